"""Times, the report, and how it is shown."""

import io

import pytest
from rich.console import Console

from service.cli.drill.timeline import Report, Timeline, show
from service.cli.finding import Finding, State
from tests.fakes.clock import ManualClock


@pytest.fixture
def report() -> Report:
    clock = ManualClock(time=1_700_000_000.0)
    made = Report("slow-model", "RagX", Timeline(clock), {"a": "b"}, fired_after_s=3.0, cleared_after_s=2.5)
    made.timeline.note("broken")
    clock.advance(3.25)
    made.timeline.note("fires\x1b[31m")
    made.findings.append(Finding("labels", State.OK, "a=b"))
    return made


def shown(report: Report) -> str:
    out = io.StringIO()
    show(report, Console(file=out, width=120))
    return out.getvalue()


def test_events_are_timed_since_the_beginning(report: Report) -> None:
    assert [(event.at, event.after_s) for event in report.timeline.events] == [
        (1_700_000_000.0, 0.0),
        (1_700_000_003.25, 3.25),
    ]


def test_the_report_for_programs_has_everything(report: Report) -> None:
    told = report.as_object()
    assert (told["drill"], told["alert"], told["labels"], told["passed"]) == ("slow-model", "RagX", {"a": "b"}, True)
    assert told["checks"] == [{"check": "labels", "state": "ok", "seen": "a=b", "todo": ""}]
    assert told["timeline"][1] == {"at": 1_700_000_003.25, "after_s": 3.25, "event": "fires\x1b[31m"}


def test_it_is_shown_with_its_end_and_without_escapes(report: Report) -> None:
    text = shown(report)
    assert "3.2 s" in text
    assert "RagX fired 3.0 s after the fault and cleared 2.5 s after its end." in text
    assert "\x1b" not in text


@pytest.mark.parametrize(
    "change",
    [
        {"fired_after_s": None},
        {"cleared_after_s": None},
        {"failure": "stopped"},
        {"findings": [Finding("labels", State.PROBLEM, "wrong")]},
        {"findings": [Finding("labels", State.WARNING, "doubtful")]},
    ],
)
def test_it_does_not_pass_when_something_is_missing(report: Report, change: dict[str, object]) -> None:
    assert report.passed
    for name, value in change.items():
        setattr(report, name, value)
    assert not report.passed
    assert "did not pass" in shown(report)


def test_what_could_not_be_compared_is_no_fault(report: Report) -> None:
    report.findings.append(Finding("dashboard", State.INFO, "no checkout"))
    assert report.passed
