"""The table of alerts in docs/alerts.md: what the rules say of each, and the first sentence of its page of the runbook."""

import re
from collections.abc import Iterable, Mapping, Sequence

from prometheus.rule import INFO, PAGE, TICKET, Alert, Group

BEGIN, END = "<!-- alerts: written by `make rules` -->", "<!-- end of alerts -->"
_SEVERITIES = (PAGE, TICKET, INFO, "none")
_PAGE = re.compile(r"^## (\w+)\n\n(.+?[.])(?= [A-Z`]|\n)", re.MULTILINE)
_RUNBOOK = "../prometheus/runbook.md"


class Incomplete(ValueError):
    """The guide or the runbook lacks something that the table needs; the text says what."""


def alerts(groups: Iterable[Group]) -> list[Alert]:
    """Every alert of these groups."""
    return [rule for group in groups for rule in group.rules if isinstance(rule, Alert)]


def table(of_environment: Mapping[str, Sequence[Alert]], runbook: str) -> str:
    """A row for each name: the gravest first, then in the order of the runbook. Raises `Incomplete`."""
    meaning = dict(_PAGE.findall(runbook))
    order = list(meaning)
    severity = {alert.name: alert.severity for found in of_environment.values() for alert in found}
    if missing := sorted(set(severity) - set(meaning)):
        raise Incomplete(f"prometheus/runbook.md has no page for {', '.join(missing)}")
    rows = [
        f"| [{name}]({_RUNBOOK}#{name.lower()}) | {severity[name]} | "
        f"{' | '.join(_patience(found, name) for found in of_environment.values())} | {meaning[name]} |"
        for name in sorted(severity, key=lambda name: (_SEVERITIES.index(severity[name]), order.index(name)))
    ]
    head = ["alert", "severity", *(f"after, {environment}" for environment in of_environment), "what it means"]
    return "\n".join([f"| {' | '.join(head)} |", f"|{'---|' * len(head)}", *rows])


def _patience(found: Iterable[Alert], name: str) -> str:
    """How long it must be so. An alert of several windows has several."""
    return ", ".join(alert.for_ or "at once" for alert in found if alert.name == name)


def filled(guide: str, made: str) -> str:
    """The guide with this table between its marks. Raises `Incomplete`."""
    before, begin, rest = guide.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise Incomplete(f"docs/alerts.md lacks the marks {BEGIN} and {END}")
    return f"{before}{begin}\n\n{made}\n\n{end}{after}"
