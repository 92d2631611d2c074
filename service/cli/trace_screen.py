"""A trace on the terminal: facts of the request, its stages against what is usual, and a waterfall of its spans.

Works on what `GET /monitoring/traces/{trace_id}` and `/monitoring/usual` say. Bars are as wide as the terminal allows.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from service.cli.answer_screen import bar
from service.cli.slow import state
from service.cli.wording import count, moment, part, plain, seconds

_OTHER_COLUMNS = 62
_MIN_CELLS, _MAX_CELLS = 10, 100
_NAME_CHARS = 36
_MAX_DEPTH = 12
_SOURCES = {"memory": "from the service's memory", "tempo": "from Tempo"}


def show(out: Console, found: Mapping[str, Any], usual: Mapping[str, Any]) -> None:
    """Print it. `usual` holds `median` and `spread` by stage; empty = nothing is usual yet."""
    cells = max(_MIN_CELLS, min(_MAX_CELLS, out.width - _OTHER_COLUMNS))
    record = found["record"]
    out.print(f"Trace {plain(found['trace_id'])}, {_SOURCES[found['source']]}", style="bold")
    if record:
        for line in facts(record):
            out.print(line, soft_wrap=True)
        out.print("\nStages", style="bold")
        out.print(stages_table(record, usual, cells))
    out.print("\nSpans", style="bold")
    out.print(spans_table(found["spans"], found["duration_s"], cells))
    if found["dropped"]:
        out.print(f"{count(found['dropped'], 'further span')} found no place.", style="yellow")


def facts(record: Mapping[str, Any]) -> Iterator[str]:
    """Who answered, how it went, what was at fault."""
    who = plain(record["model"] or record["mode"] or "no model")
    told = [who, *([f"tier {record['tier']}"] if record["tier"] else []), state(record), moment(record["at"])]
    yield " · ".join(word for word in told if word)
    usual = record["usual_total_s"]
    yield f"{seconds(record['duration_s'])} in all" + (f", usual {seconds(usual)}" if usual is not None else "")
    fault = f"at fault: {part(record['stage'])}, {seconds(record['stage_s'])} ({record['share']:.0%} of it)"
    if record["usual_s"] is None:
        yield f"{fault}; too little had been asked to know what is usual, so this is the largest part"
    else:
        yield f"{fault}; usual {seconds(record['usual_s'])} ± {seconds(record['spread_s'])}"
    if record["error"]:
        yield f"error: {plain(record['error'])}"
    if record["degraded"]:
        yield f"degraded: {plain(', '.join(record['degraded']))}"
    if record["question"]:
        yield f"question: {plain(record['question'])}"


def stages_table(record: Mapping[str, Any], usual: Mapping[str, Any], cells: int) -> Table:
    """One bar per stage, each beginning where the one before it ended; the model's phases below their stage."""
    table, total, begun = _table("usual"), record["duration_s"], 0.0
    for stage, spent in (*record["stages"].items(), ("unaccounted", record["unaccounted_s"])):
        fault = record["stage"] == stage
        _row(table, part(stage), spent, _usual(usual, stage), (begun, total), cells, "red" if fault else "cyan")
        if stage == "generate":
            inner = begun
            for phase, phase_s in record["phases"].items():
                name = f"generate.{phase}"
                style = "red" if record["stage"] == name else "blue"
                _row(table, f"  {part(phase)}", phase_s, _usual(usual, name), (inner, total), cells, style)
                inner += phase_s
        begun += spent
    table.add_row("total", seconds(total), seconds(record["usual_total_s"]), "")
    return table


def spans_table(spans: Sequence[Mapping[str, Any]], total: float, cells: int) -> Table:
    """One row per span, children below their parent; a span whose parent is not here stands at the left."""
    table = _table("")
    for depth, span in _in_order(spans):
        name = "  " * min(depth, _MAX_DEPTH) + plain(span["name"])
        style = "red" if span["status"] == "error" else "green" if span["kind"] in {"client", "server"} else "cyan"
        error = plain(span["attributes"].get("error.type", ""))
        _row(table, name, span["duration_s"], error, (span["start_s"], total), cells, style)
    return table


def _in_order(spans: Sequence[Mapping[str, Any]]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Depth first, siblings by start. A trace from elsewhere may hold anything: each span comes once."""
    ids = {span["span_id"] for span in spans}
    children: dict[str, list[Mapping[str, Any]]] = {}
    for span in sorted(spans, key=lambda one: one["start_s"]):
        children.setdefault(span["parent_id"] if span["parent_id"] in ids else "", []).append(span)
    waiting = [(0, span) for span in reversed(children.pop("", []))]
    while waiting:
        depth, span = waiting.pop()
        yield depth, span
        waiting += [(depth + 1, child) for child in reversed(children.pop(span["span_id"], []))]


def _table(third: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("", no_wrap=True, max_width=_NAME_CHARS, overflow="ellipsis")
    table.add_column("took", justify="right", no_wrap=True)
    table.add_column(third, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    return table


def _row(table: Table, name: str, spent: float, third: str, place: tuple[float, float], cells: int, style: str) -> None:
    begun, total = place
    shares = (begun / total, spent / total) if total > 0 else (0.0, 0.0)
    table.add_row(name, seconds(spent), third, Text(bar(*shares, cells), style=style))


def _usual(usual: Mapping[str, Any], stage: str) -> str:
    known = usual.get(stage)
    if not known or known["median"] is None:
        return "-"
    return f"{seconds(known['median'])} ± {seconds(known['spread'])}"
