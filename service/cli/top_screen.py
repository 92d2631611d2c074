"""What `emini-rag top` shows, made of what `GET /monitoring/live` and `/monitoring/slow` say. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from service.cli.slow import table_of
from service.cli.wording import plain, seconds

_LEVELS = "▁▂▃▄▅▆▇█"
# The last step is not over yet, so the rate is that of the whole ones before it.
_RATE_STEPS = 4


def screen(live: Mapping[str, Any], slow: Mapping[str, Any], width: int) -> RenderableType:
    """Everything at once; lines of the last 15 minutes are as long as there is room for."""
    steps = max(8, min(60, width - 70))
    asked = live["asked"][-1 - _RATE_STEPS : -1]
    per_minute = sum(asked) * 60 / (live["step_s"] * max(1, len(asked)))
    head = Table.grid(padding=(0, 2))
    head.add_row("questions", f"{per_minute:.1f} a minute", line(live["asked"], steps))
    head.add_row("from the cache", _share(latest(live["hit_ratio"])), line(live["hit_ratio"], steps))
    slowest = table_of(slow["slow"]) if slow["slow"] else Text("Nothing was asked within the last 15 minutes.")
    problem = slow["kept"]["problem"]
    notes = [Text(f"Note: {plain(problem)}", style="yellow")] if problem else []
    return Group(
        head, Text(), _models(live, steps), Text(), Text("Slowest of 15 minutes", style="bold"), slowest, *notes
    )


def line(values: Sequence[float | None], steps: int) -> str:
    """The last values as bars of eight heights; a gap where there is none."""
    shown = values[-steps:]
    most = max((value for value in shown if value is not None), default=0.0)
    return "".join(" " if value is None else _LEVELS[_level(value, most)] for value in shown)


def latest(values: Sequence[float | None]) -> float | None:
    """The newest that there is."""
    return next((value for value in reversed(values) if value is not None), None)


def _models(live: Mapping[str, Any], steps: int) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("model")
    for title in ("running", "waiting", "latency", "tokens/s"):
        table.add_column(title, justify="right")
    table.add_column("latency of 15 minutes", no_wrap=True)
    for model in dict.fromkeys((*live["queue"], *live["latency"])):
        queue = live["queue"].get(model)
        speed = latest(live["tokens_per_s"].get(model, ()))
        series = live["latency"].get(model, ())
        table.add_row(
            plain(model),
            f"{queue['in_flight']} of {queue['capacity']}" if queue else "-",
            str(queue["waiting"]) if queue else "-",
            seconds(latest(series)),
            "-" if speed is None else f"{speed:.1f}",
            line(series, steps),
        )
    return table


def _level(value: float, most: float) -> int:
    return min(len(_LEVELS) - 1, int(value / most * len(_LEVELS))) if most > 0 else 0


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.0%}"
