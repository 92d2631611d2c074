"""Every panel shows something: each target of each dashboard is asked of the real Prometheus after a load that does
everything, wrong things too. What may be empty is listed, with the reason."""

from collections.abc import Callable, Iterator

import pytest

from ops.components.find import find
from tests.components.dashboard_queries import Answer, ask
from tests.components.fixtures import require
from tests.components.installation import Installation, installed
from tests.components.ollama import CHAT_MODELS, RunningOllama
from tests.dashboards.boards import read
from tests.e2e.dashboard_load import drive

BOARDS = read()
CHOSEN = {"environment": "production", "model": f"{CHAT_MODELS[0]}|{CHAT_MODELS[1]}", "cache": "miss"}
NO_GPU = "there is no GPU here"
NO_RULES = "no alert fires"
# (dashboard, title of the panel) -> why it may be empty.
MAY_BE_EMPTY = {
    ("overview", "Alerts that fire now"): NO_RULES,
    ("telemetry", "Rule evaluations that failed, in 30 minutes"): "there are no rules yet",
    ("gpu", "GPU busy"): NO_GPU,
    ("gpu", "GPU memory in use"): NO_GPU,
    ("gpu", "GPU temperature"): NO_GPU,
    ("gpu", "GPU power"): NO_GPU,
}


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Answer]]:
    """What every PromQL target got."""
    program = require("ollama")
    with (
        RunningOllama(program, tmp_path_factory.mktemp("ollama")) as ollama,
        installed(tmp_path_factory.mktemp("installation"), ollama) as installation,
    ):
        drive(installation, ollama)
        yield asked(installation)


def asked(installation: Installation) -> list[Answer]:
    return [
        ask(installation.prometheus.url, board, panel, target, CHOSEN)
        for board in BOARDS
        for panel in board.panels
        for target in panel.targets
        if target.source["type"] == "prometheus"
    ]


def test_every_target_of_every_panel_shows_something(answers: list[Answer], seen: Callable[[str], None]) -> None:
    empty = [one for one in answers if not one.shows]
    missing = [
        f"{one.where}: {one.error or f'{one.series} series, none finite'}: {one.query}"
        for one in empty
        if (one.board, one.panel) not in MAY_BE_EMPTY
    ]
    seen(_told(answers, empty))
    assert not missing, "\n".join(missing)


def test_what_may_be_empty_is_a_panel_that_there_is() -> None:
    there = {(board.name, panel.title) for board in BOARDS for panel in board.panels}
    assert set(MAY_BE_EMPTY) <= there


def test_traces_are_asked_of_tempo_where_there_is_one(seen: Callable[[str], None]) -> None:
    searches = sum(
        target.source["type"] == "tempo" for board in BOARDS for panel in board.panels for target in panel.targets
    )
    if find("tempo") is None:
        seen(f"  dashboards: {searches} searches of traces were not run, for want of a tempo")
        pytest.skip("no `tempo`: searches of traces were parsed, and not run")


def _told(answers: list[Answer], empty: list[Answer]) -> str:
    panels = {(one.board, one.panel) for one in answers}
    return (
        f"  {len({one.board for one in answers})} dashboards, {len(panels)} panels, {len(answers)} targets asked: "
        f"{len(answers) - len(empty)} show something, {len(empty)} are empty for a reason"
    )
