"""Every panel shows something: each target of each dashboard is asked of the real Prometheus after a load that does
everything, wrong things too, in production and in development. What may be empty is listed, with the reason.

Where they are found, Tempo is asked the searches of traces, and Grafana everything once more by its own way.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from tests.components.dashboard_queries import Answer, ask, ask_grafana, values_of
from tests.components.fixtures import require
from tests.components.installation import Installation, installed
from tests.components.ollama import CHAT_MODELS, RunningOllama
from tests.components.trace_store import TempoStore
from tests.dashboards.boards import Board, Panel, Target, read
from tests.dashboards.promql import filled
from tests.e2e.dashboard_load import drive, drive_a_little

BOARDS = read()
CHOSEN = {"environment": "production", "model": f"{CHAT_MODELS[0]}|{CHAT_MODELS[1]}", "cache": "miss", "slow": "1ms"}
NO_GPU = "there is no GPU here"
# (dashboard, title of the panel) -> why it may be empty.
MAY_BE_EMPTY = {
    ("overview", "Alerts that fire now"): "no alert fires",
    ("telemetry", "Rule evaluations that failed, in 30 minutes"): "there are no rules yet",
    ("gpu", "GPU busy"): NO_GPU,
    ("gpu", "GPU memory in use"): NO_GPU,
    ("gpu", "GPU temperature"): NO_GPU,
    ("gpu", "GPU power"): NO_GPU,
}


@dataclass(frozen=True)
class Asked:
    """What the targets got from Prometheus and from Grafana, and what Tempo said to each search of traces."""

    prometheus: list[Answer]
    grafana: list[Answer]
    tempo: dict[str, int]


def targets(kind: str) -> Iterator[tuple[Board, Panel, Target]]:
    for board in BOARDS:
        for panel in board.panels:
            for target in panel.targets:
                if target.source["type"] == kind:
                    yield board, panel, target


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    program = require("ollama")
    with (
        RunningOllama(program, tmp_path_factory.mktemp("ollama")) as ollama,
        installed(tmp_path_factory.mktemp("production"), ollama) as production,
        installed(tmp_path_factory.mktemp("development"), ollama, "development") as development,
    ):
        drive(production, ollama)
        drive_a_little(development)
        urls = {"${datasource}": production.prometheus.url, "${other}": development.prometheus.url}
        yield Asked(
            [ask(urls, *target, CHOSEN) for target in targets("prometheus")],
            _of_grafana(production),
            _of_tempo(production),
        )


def test_every_target_of_every_panel_shows_something(asked: Asked, seen: Callable[[str], None]) -> None:
    seen(_told("asked of Prometheus", asked.prometheus))
    assert not _missing(asked.prometheus), "\n".join(_missing(asked.prometheus))


def test_what_may_be_empty_is_a_panel_that_there_is() -> None:
    there = {(board.name, panel.title) for board in BOARDS for panel in board.panels}
    assert set(MAY_BE_EMPTY) <= there


def test_tempo_finds_traces_by_every_search(asked: Asked, seen: Callable[[str], None]) -> None:
    if not asked.tempo:
        seen(f"  dashboards: {len(list(targets('tempo')))} searches of traces were not run, for want of a `tempo`")
        pytest.skip("no `tempo`: the searches of traces were parsed, and not run")
    seen(f"  dashboards: traces found by each search: {asked.tempo}")
    assert all(asked.tempo.values()), asked.tempo


def test_grafana_shows_the_same_by_its_own_way(asked: Asked, seen: Callable[[str], None]) -> None:
    if not asked.grafana:
        seen("  dashboards: no query went through Grafana, for want of a `grafana`")
        pytest.skip("no `grafana`: the queries were asked of Prometheus itself")
    seen(_told("asked through Grafana", asked.grafana))
    assert not _missing(asked.grafana), "\n".join(_missing(asked.grafana))


def _of_grafana(installation: Installation) -> list[Answer]:
    if "grafana" not in installation.stack.parts:
        return []
    with installation.grafana() as client:
        # The second data source of `environments` is development's, which this Grafana does not have.
        return [
            ask_grafana(client, *one, CHOSEN) for one in targets("prometheus") if one[2].source["uid"] != "${other}"
        ]


def _of_tempo(installation: Installation) -> dict[str, int]:
    if not isinstance(installation.traces, TempoStore):
        return {}
    return {
        panel.title: len(installation.traces.search_for(filled(target.query, values_of(board, CHOSEN))))
        for board, panel, target in targets("tempo")
        if panel.kind != "traces"
    }


def _missing(answers: list[Answer]) -> list[str]:
    return [
        f"{one.where}: {one.error or f'{one.series} series, none finite'}: {one.query}"
        for one in answers
        if not one.shows and (one.board, one.panel) not in MAY_BE_EMPTY
    ]


def _told(how: str, answers: list[Answer]) -> str:
    panels = {(one.board, one.panel) for one in answers}
    showing = sum(one.shows for one in answers)
    return (
        f"  {len({one.board for one in answers})} dashboards, {len(panels)} panels, {len(answers)} targets {how}: "
        f"{showing} show something, {len(answers) - showing} are empty for a reason"
    )
