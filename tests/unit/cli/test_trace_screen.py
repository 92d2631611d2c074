"""A trace on the terminal."""

import io
from typing import Any

import pytest
from rich.console import Console

from service.api.monitoring_wire import trace_object
from service.ask.types import Outcome, Stage
from service.cli.trace_screen import facts, show
from service.errors import ErrorKind
from service.monitoring.port import JudgedQuery, Trace, TraceSource, TraceSpan
from tests.unit.monitoring.records import warm

PHASES = {"queue": 0.0, "load": 0.3, "prompt_eval": 0.1, "eval": 0.5}
RECORD = warm(phases=PHASES, cold=True, degraded=("no_embedder",))


def shown(trace: Trace, query: JudgedQuery | None = None, usual: Any = None, width: int = 120) -> list[str]:
    out = Console(file=io.StringIO(), width=width, highlight=False, markup=False)
    show(out, trace_object(trace, query, ""), usual or {})
    return out.file.getvalue().splitlines()  # type: ignore[attr-defined,no-any-return]


def span(name: str, own: str, parent: str = "", start_s: float = 0.0, took_s: float = 1.0, **rest: Any) -> TraceSpan:
    facts = {"status": "unset", "kind": "internal"} | rest
    return TraceSpan(name, own, parent, start_s, took_s, **facts)


def test_children_stand_below_their_parents_by_start() -> None:
    spans = (
        span("root", "1"),
        span("later", "3", "1", 0.5, 0.1),
        span("early", "2", "1", 0.1, 0.1),
        span("inner", "4", "2", 0.1, 0.05),
        span("orphan", "5", "9", 0.2, 0.1),
    )
    lines = shown(Trace("a" * 32, TraceSource.TEMPO, 1.0, spans, dropped=2))
    names = [line.split("  █")[0].split("ms")[0].rstrip(" 0123456789.s") for line in lines[4:-1]]
    assert [name for name in names if name] == [
        "root", "  early", "    inner", "  later", "orphan",
    ]  # fmt: skip
    assert lines[-1] == "2 further spans found no place."
    assert lines[0].endswith("from Tempo")


def test_spans_that_point_in_circles_end() -> None:
    spans = (span("a", "1", "2"), span("b", "2", "1"), span("c", "3", "3"), span("root", "4"))
    assert any("root" in line for line in shown(Trace("a" * 32, TraceSource.TEMPO, 1.0, spans)))


@pytest.mark.parametrize("width", [60, 80, 120, 240])
def test_bars_are_as_wide_as_the_terminal_allows(width: int) -> None:
    trace = Trace("a" * 32, TraceSource.MEMORY, 1.0, (span("root", "1"), span("half", "2", "1", 0.5, 0.5)))
    lines = shown(trace, JudgedQuery(RECORD, "generate.load", 0.3, 0.3, 0.0, 0.0, 0.8), width=width)
    assert max(len(line) for line in lines if "█" in line) <= width
    (root,) = (line for line in lines if line.startswith("root"))
    (half,) = (line for line in lines if line.startswith("  half"))
    cells = root.count("█")
    assert cells == max(10, min(100, width - 62))
    assert half.count("█") == pytest.approx(cells / 2, abs=1)


def test_stages_phases_and_what_is_usual() -> None:
    usual = {
        "generate": {"median": 0.6, "spread": 0.01, "n": 20},
        "generate.load": {"median": 0.0, "spread": 0.0, "n": 20},
    }
    lines = shown(
        Trace("a" * 32, TraceSource.MEMORY, 1.0, ()),
        JudgedQuery(RECORD, "generate.load", 0.3, 0.3, 0.0, 0.0, 0.8),
        usual,
    )
    table = [line.split("█")[0].split() for line in lines[lines.index("Stages") + 2 :]]
    assert ["generate", "900", "ms", "600", "ms", "±", "10", "ms"] in table
    assert ["load", "300", "ms", "0.00", "ms", "±", "0.00", "ms"] in table
    assert ["eval", "500", "ms", "-"] in table
    assert ["retrieve", "90", "ms", "-"] in table
    assert ["total", "1.00", "s", "800", "ms"] in table


def test_facts_of_a_cold_answer_and_of_a_failure() -> None:
    query = JudgedQuery(RECORD, "generate.load", 0.3, 0.3, 0.0, 0.0, 0.8)
    told = list(facts(trace_object(Trace("a" * 32, TraceSource.MEMORY, 1.0, ()), query, "")["record"]))
    assert told[0].startswith("llama3.2:3b · tier simple · cache miss, cold · ")
    assert told[1:] == [
        "1.00 s in all, usual 800 ms",
        "at fault: generate: load, 300 ms (30% of it); usual 0.00 ms ± 0.00 ms",
        "degraded: no_embedder",
    ]
    failed = warm(outcome=Outcome.ERROR, error=ErrorKind.TIMEOUT, model=None, mode=None, stages={Stage.ROUTE: 1.0})
    query = JudgedQuery(failed, "route", 1.0, 1.0)
    told = list(facts(trace_object(Trace("a" * 32, TraceSource.MEMORY, 1.0, ()), query, "")["record"]))
    assert told[0].startswith("no model · ")
    assert "too little had been asked" in told[2]
    assert told[3] == "error: timeout"


def test_nothing_that_a_terminal_would_obey_gets_through() -> None:
    trace = Trace(
        "a" * 32, TraceSource.TEMPO, 1.0, (span("\x1b[2Jcleared", "1", attributes={"error.type": "\x1b[1m"}),)
    )
    assert "\x1b" not in "".join(shown(trace))


def test_a_trace_of_no_length_has_no_bars() -> None:
    assert not any(
        "█" in line for line in shown(Trace("a" * 32, TraceSource.TEMPO, 0.0, (span("x", "1", took_s=0.0),)))
    )
