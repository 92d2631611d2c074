"""Dev beside prod: each environment from its own source, each line once, whether there are two sources or one."""

import json
import subprocess
from pathlib import Path

import pytest

from dashboards import look
from tests.components.fixtures import require
from tests.dashboards.boards import Board, Panel, read
from tests.dashboards.promql import filled

BOARDS = read()
BOARD = next(board for board in BOARDS if board.name == "environments")
PANELS = [panel for panel in BOARD.panels if panel.targets]
MIXED = {"type": "datasource", "uid": "-- Mixed --"}
RUN_S = 60.0


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)
def test_a_panel_of_several_sources_says_so(board: Board) -> None:
    for panel in board.panels:
        several = len({target.source["uid"] for target in panel.targets}) > 1
        assert (panel.raw.get("datasource") == MIXED) is several, panel.title


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel.title)
def test_the_first_source_is_asked_for_all_but_development_and_the_second_for_it(panel: Panel) -> None:
    first, second = panel.targets
    assert (first.source["uid"], second.source["uid"]) == ("${datasource}", "${other}")
    assert first.expr.replace('name!="development"', 'name="development"') == second.expr
    assert first.expr != second.expr


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel.title)
def test_an_environment_has_its_colour(panel: Panel) -> None:
    painted = {
        override["matcher"]["options"]: one["value"]["fixedColor"]
        for override in panel.overrides
        for one in override["properties"]
        if one["id"] == "color"
    }
    assert look.ENVIRONMENTS.items() <= painted.items()


def test_of_one_source_that_has_both_each_line_is_there_once(tmp_path: Path) -> None:
    (panel,) = [panel for panel in PANELS if panel.title == "Questions at a model now"]
    series = [
        {
            "series": f'rag_admission_in_flight{{deployment_environment_name="{name}",gen_ai_request_model="m"}}',
            "values": value,
        }
        for name, value in (("production", "3x20"), ("development", "1x20"))
    ]
    expected = {"A": ("production", 3), "B": ("development", 1)}
    cases = [
        {
            "expr": filled(target.expr, {"model": ".*", "cache": "miss"}),
            "eval_time": "2m",
            "exp_samples": [{"labels": f'{{deployment_environment_name="{name}"}}', "value": value}],
        }
        for target in panel.targets
        for name, value in (expected[target.ref],)
    ]
    test = {
        "evaluation_interval": "15s",
        "tests": [{"interval": "15s", "input_series": series, "promql_expr_test": cases}],
    }
    file = tmp_path / "test.yml"
    file.write_text(json.dumps(test))
    command = [str(require("promtool")), "test", "rules", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=RUN_S, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
