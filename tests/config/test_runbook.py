"""The runbook at three in the morning: a page for every alert, and nothing on it that is not there when it is typed."""

import re
import shlex
from collections.abc import Iterator
from urllib.parse import urlsplit

import promql_parser
import pytest
from typer.testing import CliRunner

from ops.components.recipes import RECIPES
from ops.stack.site import ROOT
from prometheus.runbook_page import anchor
from service.cli.main import app
from service.setting_fields import variables
from service.settings import Settings
from service.telemetry.catalogue import CONSTANT_LABELS
from tests.config.runbook import PARTS, inline, lines, pages, part, text
from tests.config.shipped_rules import alerts
from tests.config.test_inhibitions import CASES
from tests.dashboards import boards
from tests.dashboards.lint import misused
from tests.dashboards.names import exposed, foreign_names, recorded
from tests.dashboards.promql import uses
from tests.fakes.services import FakeServices
from tests.unit.api.client import client_of

ENVIRONMENT = next(iter(CONSTANT_LABELS))
SERVICE_PORTS = {8001, 8002}
each_page = pytest.mark.parametrize("name", sorted(pages()))


def test_every_alert_has_a_page_and_every_page_an_alert() -> None:
    headings = re.findall(r"^## (\w+)$", text(), re.MULTILINE)
    assert sorted(headings) == sorted(alerts()) == sorted(alerts("development"))


def test_the_table_at_the_top_has_every_alert_by_its_severity() -> None:
    found: dict[str, set[str]] = {}
    for first, links in re.findall(r"^\| (.+?) \| (\[.+\]\(#.+\)) \|$", text(), re.MULTILINE):
        severity = re.sub(r"\W", " ", first).split()[0]
        found.setdefault(severity, set()).update(re.findall(r"\[(\w+)\]", links))
    expected: dict[str, set[str]] = {}
    for name, rule in alerts().items():
        expected.setdefault(rule["labels"]["severity"], set()).add(name)
    assert found == expected


def test_every_link_leads_to_a_heading() -> None:
    """The page is served alone, so it cannot lead to other files."""
    headings = {anchor(heading) for heading in re.findall(r"^#+ (.+)$", text(), re.MULTILINE)}
    links = re.findall(r"\]\(([^)]+)\)", text())
    assert {link for link in links if link.removeprefix("#") not in headings or not link.startswith("#")} == set()


@each_page
def test_a_page_has_every_part_and_says_first_what_it_means(name: str) -> None:
    page = pages()[name]
    assert tuple(re.findall(r"^\*\*(.+)\*\*$", page, re.MULTILINE)) == PARTS
    meaning = page.partition("**Check**")[0].strip()
    assert "\n" not in meaning
    assert 40 < len(meaning) < 320
    assert len(re.split(r"(?<=[.]) (?=[A-Z])", meaning)) <= 2
    assert all(part(page, one) for one in PARTS)
    assert any(lines(part(page, "Check"), "sh"))
    assert any(lines(part(page, "Check"), "promql"))
    numbers = re.findall(r"^(\d+)\. ", part(page, "Do"), re.MULTILINE)
    assert numbers == [str(number) for number in range(1, len(numbers) + 1)]
    assert len(numbers) >= 2


@each_page
def test_a_page_names_dashboards_and_panels_that_are_there(name: str) -> None:
    there = {title for board in boards.read() for title in (board.raw["title"], *(one.title for one in board.panels))}
    (look,) = re.findall(r"^Dashboard: (.+)$", part(pages()[name], "Check"), re.MULTILINE)
    named = set(re.findall(r"\*([^*]+)\*", look))
    assert named
    assert named - there == set()


@each_page
def test_queries_parse_and_look_at_what_is_there(name: str) -> None:
    known = {*exposed(), *foreign_names(), *recorded()}
    queries = list(lines(pages()[name], "promql"))
    queries += [code for code in inline(pages()[name]) if re.match(r"(rag|gen_ai|otelcol)_\w+ [/{]", code)]
    for query in queries:
        expression = promql_parser.parse(query)
        assert list(misused(expression)) == [], query
        assert {use.metric for use in uses(expression)} - known == set(), query


def _commands() -> Iterator[str]:
    """Every command of ours, in blocks and in sentences."""
    for line in (*lines(text(), "sh"), *inline(text())):
        for command in re.split(r"\s*(?:\||&&|;)\s*", line):
            if command.startswith("emini-rag ") and "$@" not in command:
                yield command


def test_commands_are_those_of_the_program() -> None:
    found = set(_commands())
    assert len(found) > 10
    assert [command for command in sorted(found) if not _is_known(command)] == []


def _is_known(command: str) -> bool:
    """Help is shown when the words before it are understood; that of a group says that a command is missing."""
    told = CliRunner().invoke(app, [*shlex.split(command)[1:], "--help"])
    return told.exit_code == 0 and "COMMAND [ARGS]" not in told.output


@pytest.mark.parametrize(
    "wrong", ["emini-rag slwo", "emini-rag models", "emini-rag slow --since 1h", "emini-rag tarce X"]
)
def test_a_command_that_is_not_there_is_seen(wrong: str) -> None:
    assert not _is_known(wrong)


async def test_addresses_of_the_service_answer() -> None:
    found = set(re.findall(r"http://localhost:\d+(?:/[\w./?=&#-]*[\w/])?", text()))
    async with client_of(FakeServices()) as client:
        for url in found:
            if urlsplit(url).port in SERVICE_PORTS:
                path = urlsplit(url)._replace(scheme="", netloc="").geturl() or "/"
                assert (await client.get(path)).status_code == 200, url
    assert sum(urlsplit(url).port in SERVICE_PORTS and bool(urlsplit(url).path) for url in found) >= 5


def test_settings_are_those_of_the_service() -> None:
    known = {name for name, _ in variables(Settings)}
    named = set(re.findall(r"\bRAG_[A-Z0-9_]*[A-Z0-9]\b", text()))
    assert {
        name for name in named if name not in known and not any(one.startswith(f"{name}__") for one in known)
    } == set()
    assert len(named) > 10


def test_what_is_to_be_built_or_started_exists() -> None:
    assert {"amtool", "alertmanager", "prometheus"} <= set(RECIPES)
    makefile = _read("Makefile")
    for target in set(re.findall(r"`make ([a-z]+)", text())):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
    services = re.findall(r"^  ([a-z-]+):$", _read("docker-compose.yml"), re.MULTILINE)
    used = re.findall(r"docker compose (?:up -d|restart|ps|logs --tail 200|exec -T) ([a-z-]+)", text())
    assert set(used) <= set(services)
    assert len(set(used)) >= 6


def _read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@each_page
def test_only_what_is_sent_can_be_silenced_and_then_by_labels_that_it_has(name: str) -> None:
    rule = alerts()[name]
    silences = [line for line in lines(part(pages()[name], "Silence"), "sh") if "silence add" in line]
    if rule["labels"]["severity"] in {"info", "none"}:
        assert silences == []
        return
    (silence,) = silences
    given = dict(word.split("=", 1) for word in shlex.split(silence.partition("silence add ")[2]) if word[0] != "-")
    assert given.pop("alertname") == name
    assert given.pop(ENVIRONMENT) == "production"
    said = str(rule["annotations"])
    assert [label for label in given if f"$labels.{label}" not in said] == []


def test_what_silences_an_alert_stands_on_its_page() -> None:
    for case in CASES.values():
        cause = case.cause["alertname"]
        for labels in case.silenced:
            target = labels["alertname"]
            if cause != "RagServiceDown":
                page = part(pages()[target], "Fires with it")
                assert re.search(rf"\b{cause}\b[^.]*silence", page), f"{target} does not say that {cause} silences it"
