"""A test is where its module is: tests/unit/cache/test_key.py tests service/cache/key.py, tests/unit/ops/... tests ops.

Every module with behaviour of its own has such a test, or is listed here with the suite that tests it instead.
"""

import ast
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

from tests.architecture.source import ROOT, Source, sources

# module, or folder with a slash -> the suite that tests it, where a unit test of its own would only repeat that one
ELSEWHERE: Mapping[str, str] = {
    "service/__main__.py": "tests/e2e/test_first_minute.py",
    "service/adapters.py": "tests/unit/test_bootstrap.py",
    "ops/components/": "tests/unit/ops/components/test_building.py",
}


def mirrored(test: str) -> str:
    """The module that a unit test file is for: tests/unit/a/test_b.py -> service/a/b.py."""
    path = PurePosixPath(test)
    top = [] if path.parts[2] == "ops" else ["service"]
    return "/".join([*top, *path.parts[2:-1], path.name.removeprefix("test_")])


def test_path(module: str) -> str:
    """Where the unit test of a module is: service/a/b.py -> tests/unit/a/test_b.py."""
    path = PurePosixPath(module)
    folders = path.parts[:-1] if path.parts[0] == "ops" else path.parts[1:-1]
    return "/".join(["tests/unit", *folders, f"test_{path.name}"])


test_path.__test__ = False  # type: ignore[attr-defined]


def has_behaviour(source: Source) -> bool:
    """Whether it holds a function that does something: protocols, values and constants have none."""
    return any(not all(map(_declares, function.body)) for function in source.functions)


def orphans(tests: Iterable[str], modules: Iterable[str]) -> list[str]:
    """Unit tests that are not where a module is."""
    there = set(modules)
    return [f"{test} has no {mirrored(test)}" for test in tests if mirrored(test) not in there]


def untested(modules: Iterable[Source], tests: Iterable[str], elsewhere: Mapping[str, str]) -> list[str]:
    """Modules with behaviour and neither a unit test nor a listing."""
    there = set(tests)
    return [
        f"{module.path} has no {test_path(module.path)}"
        for module in modules
        if has_behaviour(module)
        and test_path(module.path) not in there
        and not any(_covers(listed, module.path) for listed in elsewhere)
    ]


def stale(elsewhere: Mapping[str, str], modules: Iterable[str], tests: Iterable[str], root: Path) -> list[str]:
    """Listings that are no longer true."""
    modules, tests = set(modules), set(tests)
    found = []
    for listed, suite in elsewhere.items():
        covered = {module for module in modules if _covers(listed, module)}
        if not covered:
            found.append(f"{listed} is listed and does not exist")
        elif all(test_path(module) in tests for module in covered):
            found.append(f"{listed} is listed and has unit tests")
        if not (root / suite).exists():
            found.append(f"{listed} is tested by {suite}, which does not exist")
    return found


def _covers(listed: str, module: str) -> bool:
    return module == listed or (listed.endswith("/") and module.startswith(listed))


def _declares(statement: ast.stmt) -> bool:
    """Whether a statement only says what something is: a docstring, "...", or an error that keeps what it is given."""
    match statement:
        case ast.Pass() | ast.Expr(value=ast.Constant()):
            return True
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Call(func=ast.Name(id="super")), attr="__init__"))):
            return True
        case ast.Assign(targets=[ast.Attribute(value=ast.Name(id="self"))], value=ast.Name()):
            return True
        case _:
            return False


def _unit_tests() -> list[str]:
    return [path.relative_to(ROOT).as_posix() for path in sorted((ROOT / "tests/unit").rglob("test_*.py"))]


def test_every_unit_test_is_where_its_module_is() -> None:
    assert not orphans(_unit_tests(), [source.path for source in sources("service", "ops")])


def test_every_module_with_behaviour_is_tested() -> None:
    found = untested(sources("service", "ops"), _unit_tests(), ELSEWHERE)
    assert not found, "\n".join(["without a test of its own, and not in ELSEWHERE:", *found])


def test_the_listing_is_true() -> None:
    assert not stale(ELSEWHERE, [source.path for source in sources("service", "ops")], _unit_tests(), ROOT)


def test_paths_mirror_each_other() -> None:
    assert mirrored("tests/unit/corpus/loaders/test_pdf.py") == "service/corpus/loaders/pdf.py"
    assert mirrored("tests/unit/test_settings.py") == "service/settings.py"
    assert test_path("service/corpus/loaders/pdf.py") == "tests/unit/corpus/loaders/test_pdf.py"
    assert test_path("service/settings.py") == "tests/unit/test_settings.py"
    assert mirrored("tests/unit/ops/setup/test_lock.py") == "ops/setup/lock.py"
    assert test_path("ops/setup/lock.py") == "tests/unit/ops/setup/test_lock.py"


def test_a_misplaced_test_is_found() -> None:
    modules = ["service/cache/key.py"]
    assert orphans(["tests/unit/cache/test_key.py"], modules) == []
    assert orphans(["tests/unit/routing/test_key.py"], modules)


def test_behaviour_is_told_from_declarations() -> None:
    declared = '''
class Cache(Protocol):
    """A cache."""
    def get(self) -> int:
        """Its value."""
        ...
    async def put(self) -> None: ...
class Full(Exception):
    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
LIMIT = 3
'''
    assert not has_behaviour(Source("service/cache/port.py", declared))
    assert has_behaviour(Source("service/cache/port.py", declared + "def double(x: int) -> int:\n    return 2 * x"))


def test_an_untested_module_is_found() -> None:
    module = Source("service/cache/key.py", "def f() -> int:\n    return 1")
    assert untested([module], ["tests/unit/cache/test_key.py"], {}) == []
    assert untested([module], [], {"service/cache/key.py": "tests/contract/test_cache.py"}) == []
    assert untested([module], [], {"service/cache/": "tests/contract/test_cache.py"}) == []
    assert untested([module], ["tests/unit/cache/test_memory.py"], {})
    assert untested([module], [], {"service/cache": "tests/contract/test_cache.py"})


def test_a_stale_listing_is_found(tmp_path: Path) -> None:
    (tmp_path / "suite.py").touch()
    listing = {"service/cache/key.py": "suite.py"}
    assert stale(listing, ["service/cache/key.py"], [], tmp_path) == []
    assert stale({"service/cache/": "suite.py"}, ["service/cache/key.py"], [], tmp_path) == []
    assert stale({"service/cash/": "suite.py"}, ["service/cache/key.py"], [], tmp_path)
    assert stale(listing, [], [], tmp_path)
    assert stale(listing, ["service/cache/key.py"], ["tests/unit/cache/test_key.py"], tmp_path)
    assert stale({"service/cache/key.py": "gone.py"}, ["service/cache/key.py"], [], tmp_path)
