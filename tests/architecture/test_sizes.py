"""The budgets that hold for the service as a whole; single files and functions are rules of their own."""

from statistics import median, quantiles

from tests.architecture.source import Source, length, sources

FILE_MEDIAN_LINES = 90
FUNCTION_P90_LINES = 35


def over_budget(files: list[Source]) -> list[str]:
    """What of the budgets `files` exceed together. Empty files do not count."""
    sizes = [file.lines for file in files if file.lines]
    lengths = [length(function) for file in files for function in file.functions]
    found = []
    if (middle := median(sizes)) > FILE_MEDIAN_LINES:
        found.append(f"the median file has {middle:g} lines, more than {FILE_MEDIAN_LINES}")
    if (ninth := quantiles(lengths, n=10)[-1]) > FUNCTION_P90_LINES:
        found.append(f"one function in ten has more than {ninth:g} lines; allowed are {FUNCTION_P90_LINES}")
    return found


def test_the_service_keeps_within_its_budgets() -> None:
    assert not over_budget(sources("service"))


def _file(lines: int, functions: int = 0, function_lines: int = 2) -> Source:
    function = "def f() -> None:\n" + "    x = 1\n" * (function_lines - 1)
    return Source("service/ask/a.py", function * functions + "x = 1\n" * lines)


def test_small_files_are_within() -> None:
    assert over_budget([_file(60, functions=10) for _ in range(3)] + [_file(300, functions=10)]) == []


def test_a_large_median_is_found() -> None:
    assert over_budget([_file(91, functions=1) for _ in range(3)]) == ["the median file has 93 lines, more than 90"]


def test_many_long_functions_are_found() -> None:
    long = over_budget([_file(10, functions=8), _file(10, functions=2, function_lines=40)])
    assert len(long) == 1
    assert "one function in ten" in long[0]
