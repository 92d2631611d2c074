"""Whether an alert names the right thing and brings links that lead somewhere."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from service.cli.drill.alertmanager import Alert
from service.cli.finding import Finding, State
from service.telemetry.catalogue import CONSTANT_LABELS, MODEL_LABEL

CHECKOUT = Path(__file__).resolve().parents[3]
ENVIRONMENT, MODEL = next(iter(CONSTANT_LABELS)), MODEL_LABEL
_SEVERITIES = ("page", "ticket", "info")
# What a template leaves where it found nothing, and what is left of a template that was not run.
_UNWRITTEN = ("<no value>", "{{", "}}")


def checks(
    alert: Alert, expected: Mapping[str, str], others: int, *, traced: bool, checkout: Path = CHECKOUT
) -> list[Finding]:
    """All that can be looked at. `others` began at the same time, have the same name, and name something else; `traced`
    says that the alert must bring a query of traces; without a checkout, what it holds is not compared."""
    return [
        _labels(alert, expected, others),
        _texts(alert),
        _dashboard(alert, checkout / "dashboards" / "json"),
        _runbook(alert),
        *([_traces(alert, expected)] if traced else []),
    ]


def _labels(alert: Alert, expected: Mapping[str, str], others: int) -> Finding:
    wrong = {name: alert.labels.get(name, "") for name, value in expected.items() if alert.labels.get(name) != value}
    if wrong:
        return Finding("labels", State.PROBLEM, f"expected {_pairs(expected)}; {_pairs(wrong)}")
    if alert.labels.get("severity") not in _SEVERITIES:
        return Finding("labels", State.PROBLEM, f"severity is {alert.labels.get('severity', 'not there')}")
    if others:
        return Finding("labels", State.PROBLEM, f"{others} more of this name fire, and name something else")
    return Finding("labels", State.OK, _pairs({**expected, "severity": alert.labels["severity"]}))


def _texts(alert: Alert) -> Finding:
    for name in ("summary", "description"):
        text = alert.annotations.get(name, "")
        if not text or any(mark in text for mark in _UNWRITTEN):
            return Finding("texts", State.PROBLEM, f"{name}: {text or 'not there'}")
    return Finding("texts", State.OK, alert.annotations["summary"])


def _dashboard(alert: Alert, folder: Path) -> Finding:
    url = urlsplit(alert.annotations.get("dashboard_url", ""))
    uid = url.path.rpartition("/d/")[2]
    chosen = {key.removeprefix("var-"): values for key, values in parse_qs(url.query).items() if key.startswith("var-")}
    if not uid or not chosen:
        return Finding("dashboard", State.PROBLEM, f"no dashboard with variables in {url.geturl() or 'an empty link'}")
    for variable, label in (("environment", ENVIRONMENT), ("model", MODEL)):
        wanted = [alert.labels[label]] if label in alert.labels else []
        is_chosen = variable in chosen or (variable, uid) == ("model", "model")
        if is_chosen and chosen.get(variable, []) != wanted:
            return Finding("dashboard", State.PROBLEM, f"{variable} is not that of the alert in {url.geturl()}")
    if not folder.is_dir():
        return Finding("dashboard", State.INFO, f"{uid}; no checkout here to compare with")
    unknown = _unknown(uid, set(chosen), folder / f"{uid}.json")
    if unknown:
        return Finding("dashboard", State.PROBLEM, f"there is no {unknown}", "Run `make rules dashboards`.")
    told = ", ".join(f"{variable} {values[0]}" for variable, values in chosen.items())
    return Finding("dashboard", State.OK, f"{uid} with {told}")


def _unknown(uid: str, variables: set[str], file: Path) -> str:
    """What of a link a dashboard's file does not have."""
    if not file.is_file():
        return f"dashboard {uid}"
    board = json.loads(file.read_text(encoding="utf-8"))
    missing = variables - {variable["name"] for variable in board["templating"]["list"]}
    if board["uid"] != uid:
        return f"dashboard with the uid {uid}"
    return f"variable {', '.join(sorted(missing))} in {uid}" if missing else ""


def _runbook(alert: Alert) -> Finding:
    url = urlsplit(alert.annotations.get("runbook_url", ""))
    if url.fragment != alert.labels["alertname"].lower():
        return Finding("runbook", State.PROBLEM, f"no heading of this alert in {url.geturl() or 'an empty link'}")
    file = Path(unquote(url.path))
    if url.scheme != "file" or not file.is_file():
        return Finding("runbook", State.OK, f"#{url.fragment}")
    headings = re.findall(r"^#+ +(.+?) *$", file.read_text(encoding="utf-8"), re.MULTILINE)
    if url.fragment not in {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in headings}:
        return Finding("runbook", State.PROBLEM, f"{file.name} has no heading {alert.labels['alertname']}")
    return Finding("runbook", State.OK, f"{file.name}#{url.fragment}")


def _traces(alert: Alert, expected: Mapping[str, str]) -> Finding:
    query = alert.annotations.get("trace_query", "")
    named = [value for name, value in expected.items() if name in (ENVIRONMENT, MODEL)]
    whole = query.startswith("{") and query.endswith("}") and not any(mark in query for mark in _UNWRITTEN)
    if not whole or not all(f'"{value}"' in query for value in named):
        return Finding("traces", State.PROBLEM, query or "no query of traces")
    return Finding("traces", State.OK, query)


def _pairs(labels: Mapping[str, str]) -> str:
    return ", ".join(f"{name}={value or 'not there'}" for name, value in labels.items())
