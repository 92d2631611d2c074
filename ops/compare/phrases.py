"""The sentences and cells of a report: ratios, chances, lists. Pure."""

from collections.abc import Iterable, Mapping

from ops.compare.times import Ratio


def ratio(value: Ratio | None) -> str:
    """1.31 (1.25 to 1.38)."""
    return "-" if value is None else f"{value.value:.2f} ({value.low:.2f} to {value.high:.2f})"


def chance(p: float | None) -> str:
    """0.004 or < 0.001; a dash for None."""
    if p is None:
        return "-"
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def listed(words: Iterable[str], joint: str = "and") -> str:
    """a, b and c."""
    *most, last = [*words] or ["nothing"]
    return f"{', '.join(most)} {joint} {last}" if most else last


def counted(numbers: Mapping[str, int]) -> str:
    """llama3.2:3b 40, gpt-oss:20b 10; a dash for none."""
    ordered = sorted(numbers.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{name} {number:,}" for name, number in ordered if number) or "-"


def per_cent(share: float) -> str:
    return f"{share:.0%}"
