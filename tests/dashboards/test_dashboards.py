"""Every dashboard keeps every rule, together they show every metric, and the files are what the code makes."""

import json

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from dashboards.__main__ import DASHBOARDS, render
from dashboards.__main__ import main as write
from prometheus.thresholds import load
from service.ask.types import Stage
from service.settings import Slo
from service.telemetry import catalogue
from tests.dashboards.boards import Board, read
from tests.dashboards.lint import faults, shown

BOARDS = read()
# What no panel shows, and why.
NOT_SHOWN = {
    catalogue.SLO_THRESHOLD.name: "the bounds are drawn from prometheus/thresholds.toml; the alert rules read this one",
    catalogue.SLO_TARGET.name: "as the thresholds",
    catalogue.DISK_FREE.name: "a matter of an alert: nobody watches a disk fill",
    catalogue.CORPUS_VERSION.name: "a number that only ever rises; it explains invalidated entries of the cache",
}


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)
def test_a_dashboard_keeps_every_rule(board: Board) -> None:
    assert faults(board, BOARDS) == []


def test_the_seven_and_the_trace_are_there() -> None:
    assert sorted(board.name for board in BOARDS) == sorted(DASHBOARDS)
    assert set(DASHBOARDS) == {"overview", "model", "slow", "trace", "cache", "gpu", "telemetry", "environments"}


def test_titles_and_uids_are_unique() -> None:
    for key in ("title", "uid"):
        values = [board.raw[key] for board in BOARDS]
        assert len(set(values)) == len(values)


def test_every_metric_is_shown_or_there_is_a_reason() -> None:
    seen = shown(BOARDS)
    hidden = {
        metric.name
        for metric in catalogue.METRICS
        if not {metric.name, *(metric.name + suffix for suffix in ("_bucket", "_sum", "_count"))} & seen
    }
    assert hidden - set(NOT_SHOWN) == set(), "show them, or say why not"
    assert set(NOT_SHOWN) - hidden == set(), "these are shown, and need no reason"


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)
def test_the_sdk_reads_what_it_wrote(board: Board) -> None:
    again = json.loads(JSONEncoder(sort_keys=True).encode(Dashboard.from_json(board.raw)))
    for kept in ("uid", "title", "schemaVersion", "tags", "time", "refresh"):
        assert again[kept] == board.raw[kept]
    assert [panel["id"] for panel in again["panels"]] == [panel["id"] for panel in board.raw["panels"]]


def test_the_files_are_what_the_code_makes(capsys: pytest.CaptureFixture[str]) -> None:
    assert write(["--check"]) == 0, capsys.readouterr().out


def test_making_them_twice_gives_the_same() -> None:
    assert render() == render()


def test_the_bounds_are_those_that_the_service_publishes_and_buckets_of_its_histogram() -> None:
    limits, slo = load(), Slo()
    assert limits.slo.target == slo.target_ratio
    assert limits.slo.bound_s == {
        tier: getattr(slo, f"{tier}_s") for tier in ("simple", "medium", "complex", "research")
    }
    for bound in (*limits.slo.bound_s.values(), limits.slow.default_s):
        assert bound in catalogue.ASK_DURATION.buckets


def test_the_stage_of_a_link_is_one_that_can_be_chosen() -> None:
    chosen = next(board for board in BOARDS if board.name == "slow").variables["stage"]["query"]
    assert {one.partition(" : ")[0] for one in chosen.split(",")} == {stage.value for stage in Stage}
