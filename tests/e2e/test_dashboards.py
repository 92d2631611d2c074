"""Every panel shows something: each target of each dashboard is asked of the real Prometheus after a load that does
everything, wrong things too. What may be empty is listed, with the reason. Where there are Tempo and Grafana, searches
of traces are asked of Tempo, and everything once more through Grafana's own query API."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import count

import httpx
import pytest

from dashboards.picture.prometheus import Prometheus
from dashboards.picture.variables import ALL
from ops.stack.process import NotInTime, wait_until
from tests.components.dashboard_queries import OTHER, Answer, ask, ask_grafana, ask_tempo, targets
from tests.components.fixtures import require
from tests.components.installation import Installation, installed
from tests.components.ollama import CHAT_MODELS, RunningOllama
from tests.components.trace_store import TempoStore
from tests.dashboards.boards import read
from tests.e2e.dashboard_load import drive, drive_beside, go_on

BOARDS = read()
# As a dashboard opens, and with one model chosen.
CHOICES: Mapping[str, Mapping[str, str]] = {
    "all models": {"environment": "production", "model": ALL, "cache": "miss"},
    "one model": {"environment": "production", "model": CHAT_MODELS[0], "cache": "miss"},
    "hits": {"environment": "production", "model": ALL, "cache": "hit"},
}
NO_GPU = "there is no GPU here"
NO_RULES = "no alert fires"
# (dashboard, title of the panel) -> why it may be empty.
MAY_BE_EMPTY = {
    ("overview", "Alerts that fire now"): NO_RULES,
    ("gpu", "GPU busy"): NO_GPU,
    ("gpu", "GPU memory in use"): NO_GPU,
    ("gpu", "GPU temperature"): NO_GPU,
    ("gpu", "GPU power"): NO_GPU,
}
# What the load does wrong or makes others do, and the target that must rise above 0 for it.
FAILED = "Share that failed, was turned away, or found nothing"
FAULTS = (
    ("overview", FAILED, "A"),
    ("overview", FAILED, "B"),
    ("overview", FAILED, "C"),
    ("overview", "Models, last 30 minutes", "failed"),
    ("overview", "Models, last 30 minutes", "cold"),
    ("slow", "Failures in 5 minutes, by stage and kind", "A"),
    ("cache", "Share of lookups that found something, by cache", "A"),
    ("cache", "Share of lookups that found something, by cache", "C"),
    ("cache", "Share of searches that found nothing", "A"),
    ("cache", "Something is missing", "A"),
    ("cache", "Documents taken in 30 minutes, by result", "A"),
    ("gpu", "Polls of Ollama without an answer, in 5 minutes", "A"),
    ("gpu", "Questions turned away in 5 minutes", "A"),
)
# What is usual for a model is known when its answers are older than the window of the rules, which is two minutes.
SHOWN_WITHIN_S = 240.0
Seen = Callable[[str], None]


@dataclass(frozen=True)
class Driven:
    """Two environments after the load, and the id of a trace of the first. `client` is for their Prometheus."""

    production: Installation
    development: Installation
    trace_id: str
    client: httpx.Client

    def prometheus(self, source: Mapping[str, str]) -> Prometheus:
        """The one that a target asks."""
        there = self.development if source["uid"] == OTHER else self.production
        return Prometheus(there.prometheus.url, self.client)

    def traced(self, choice: Mapping[str, str]) -> dict[str, str]:
        """A choice with what searches of traces need: a bound that everything exceeds, and the trace."""
        return {**choice, "slow": "1ms", "traceId": self.trace_id}


@pytest.fixture(scope="module")
def driven(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Driven]:
    program = require("ollama")
    with (
        RunningOllama(program, tmp_path_factory.mktemp("ollama")) as ollama,
        installed(tmp_path_factory.mktemp("production"), ollama) as production,
        installed(tmp_path_factory.mktemp("development"), ollama, "development") as development,
        httpx.Client(trust_env=False) as client,
    ):
        drive_beside(development)
        drive(production, ollama)
        trace_id = production.service.ask("What is a last question?", cache={"no-cache": True})["trace_id"]
        production.traces.trace(trace_id)
        yield Driven(production, development, trace_id, client)


@pytest.fixture(scope="module")
def answers(driven: Driven) -> dict[str, list[Answer]]:
    """What every PromQL target got, by what was chosen."""
    found: dict[str, list[Answer]] = {}
    rounds = count()

    def all_show() -> bool:
        go_on(driven.production, next(rounds))
        for name, chosen in CHOICES.items():
            found[name] = [
                ask(driven.prometheus(target.source), board, panel, target, chosen)
                for board, panel, target in targets(BOARDS, "prometheus")
            ]
        return not any(missing(answers) for answers in found.values())

    # What is compared with a whole day is of whole minutes. Who never shows anything is named by the tests.
    with suppress(NotInTime):
        wait_until(all_show, SHOWN_WITHIN_S, "every target shows something")
    return found


@pytest.mark.parametrize("choice", CHOICES)
def test_every_target_of_every_panel_shows_something(choice: str, answers: dict[str, list[Answer]], seen: Seen) -> None:
    found = answers[choice]
    seen(told(choice, found))
    assert not missing(found), "\n".join(missing(found))


@pytest.mark.parametrize(("board", "panel", "ref"), FAULTS, ids=lambda one: one)
def test_what_went_wrong_is_seen_where_people_look(
    board: str, panel: str, ref: str, answers: dict[str, list[Answer]]
) -> None:
    """A line at 0 shows something too: of what the load broke it would be a lie."""
    (found,) = [one for one in answers["all models"] if (one.board, one.panel, one.ref) == (board, panel, ref)]
    assert found.largest > 0, f"{found.where} stays at {found.largest}: {found.query}"


def test_what_may_be_empty_is_a_panel_that_there_is() -> None:
    there = {(board.name, panel.title) for board in BOARDS for panel in board.panels}
    assert set(MAY_BE_EMPTY) <= there


def test_the_comparison_shows_each_environment_from_its_own_prometheus(answers: dict[str, list[Answer]]) -> None:
    compared = [one for one in answers["all models"] if one.board == "environments"]
    assert {one.ref for one in compared} == {"A", "B"}
    expected = {"A": {"production"}, "B": {"development"}}
    assert {one.where: one.environments for one in compared} == {one.where: expected[one.ref] for one in compared}


def test_searches_of_traces_find_something_in_tempo(driven: Driven, seen: Seen) -> None:
    searches = list(targets(BOARDS, "tempo"))
    if not isinstance(driven.production.traces, TempoStore):
        seen(f"  dashboards: NOT RUN, {len(searches)} searches of traces: no `tempo` was found")
        pytest.skip("no `tempo`: searches of traces were parsed, and not run")
    found = [
        ask_tempo(driven.production.traces, board, panel, target, driven.traced(CHOICES["all models"]))
        for board, panel, target in searches
    ]
    seen(told("Tempo", found))
    assert not missing(found), "\n".join(missing(found))


def test_grafana_answers_every_target_too(driven: Driven, seen: Seen) -> None:
    sources = ["prometheus", *(["tempo"] if isinstance(driven.production.traces, TempoStore) else [])]
    everything = [one for source in sources for one in targets(BOARDS, source) if one[2].source["uid"] != OTHER]
    if "grafana" not in driven.production.stack.parts:
        seen(f"  dashboards: NOT RUN, {len(everything)} targets through Grafana: no `grafana` was found")
        pytest.skip("no `grafana`: its query API was not asked")
    with driven.production.grafana() as grafana:
        found = [
            ask_grafana(grafana, board, panel, target, driven.traced(CHOICES["all models"]))
            for board, panel, target in everything
        ]
    seen(told("Grafana", found))
    assert not missing(found), "\n".join(missing(found))


def missing(answers: list[Answer]) -> list[str]:
    """What shows nothing, and may not."""
    return [
        f"{one.where}: {one.error or f'{one.series} series, none finite'}: {one.query}"
        for one in answers
        if not one.shows and (one.board, one.panel) not in MAY_BE_EMPTY
    ]


def told(how: str, answers: list[Answer]) -> str:
    """The line that is printed at the end."""
    panels = {(one.board, one.panel) for one in answers}
    listed = [one for one in answers if (one.board, one.panel) in MAY_BE_EMPTY]
    asked = [one for one in answers if one not in listed]
    share = sum(one.shows for one in asked) / len(asked)
    reasons = sorted({MAY_BE_EMPTY[one.board, one.panel] for one in listed if not one.shows})
    return (
        f"  dashboards, {how}: {len({one.board for one in answers})} dashboards x {len(panels)} panels, {len(answers)} "
        f"targets asked; {share:.1%} of {len(asked)} show something; {len(listed)} may be empty: {', '.join(reasons)}"
    )


def test_what_shows_nothing_is_missing_unless_it_is_listed() -> None:
    empty = Answer("overview", "A panel", "A", "up", series=1, finite=0)
    refused = Answer("overview", "A panel", "B", "up(", series=0, finite=0, error="parse error")
    listed = Answer("gpu", "GPU busy", "A", "up", series=0, finite=0)
    assert [line.partition(":")[0] for line in missing([empty, refused, listed])] == [empty.where, refused.where]
