"""What happened when, for people and for programs."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.table import Table

from service.cli.finding import Finding, State
from service.cli.wording import moment, plain
from service.clock import Clock


@dataclass(frozen=True, slots=True)
class Event:
    """One line. `at` in Unix seconds, `after_s` since the beginning."""

    at: float
    after_s: float
    what: str


@dataclass
class Timeline:
    """Begins when it is made."""

    clock: Clock
    events: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._begun = self.clock.monotonic()

    def note(self, what: str) -> Event:
        """It happened now."""
        event = Event(self.clock.time(), self.clock.monotonic() - self._begun, what)
        self.events.append(event)
        return event


@dataclass
class Report:
    """What came of one drill. `fired_after_s` is since the fault, `cleared_after_s` since its removal; None: never."""

    drill: str
    alert: str
    timeline: Timeline
    labels: dict[str, str] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    fired_after_s: float | None = None
    cleared_after_s: float | None = None
    failure: str = ""

    @property
    def passed(self) -> bool:
        """The alert came, was right, and went."""
        wrong = any(finding.state in (State.WARNING, State.PROBLEM) for finding in self.findings)
        return not self.failure and not wrong and None not in (self.fired_after_s, self.cleared_after_s)

    def as_object(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "drill": self.drill,
            "alert": self.alert,
            "labels": self.labels,
            "passed": self.passed,
            "failure": self.failure,
            "fired_after_s": self.fired_after_s,
            "cleared_after_s": self.cleared_after_s,
            "checks": [
                {"check": one.check, "state": one.state.value, "seen": one.seen, "todo": one.todo}
                for one in self.findings
            ],
            "timeline": [
                {"at": event.at, "after_s": round(event.after_s, 3), "event": event.what}
                for event in self.timeline.events
            ],
        }


def show(report: Report, out: Console) -> None:
    """The timeline, what was checked, and how it came out."""
    table = Table("when", "after", "what", box=None, pad_edge=False)
    for event in report.timeline.events:
        table.add_row(moment(event.at), f"{event.after_s:.1f} s", plain(event.what))
    out.print(table)
    if report.findings:
        out.print()
        out.print(_checked(report.findings))
    if report.passed:
        out.print(
            f"\n{report.alert} fired {report.fired_after_s:.1f} s after the fault and cleared "
            f"{report.cleared_after_s:.1f} s after its end.",
            style="green",
            soft_wrap=True,
        )
    else:
        out.print(f"\nThe drill {report.drill} did not pass.", style="red")


def _checked(findings: Sequence[Finding]) -> Table:
    table = Table("check", "state", "seen", "what to do", box=None, pad_edge=False)
    for finding in findings:
        table.add_row(finding.check, finding.state.value, plain(finding.seen), plain(finding.todo))
    return table
