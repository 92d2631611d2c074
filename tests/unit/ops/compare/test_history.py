"""A comparison from Prometheus alone."""

import json
from pathlib import Path

import pytest

from ops.compare.history import compare_history
from ops.compare.measured import Side
from ops.compare.session import Compared
from ops.compare.verdict import TOO_LITTLE, Floor
from prometheus.thresholds import load
from service.cli.failures import USAGE, Failure
from service.cli.surroundings import Surroundings
from tests.fakes.clock import ManualClock
from tests.fakes.compared_prometheus import ComparedPrometheus

WANTED = {Side.BASELINE: "environment=production", Side.CANDIDATE: "environment=development"}


def compare(
    server: ComparedPrometheus, target: Path, window: str = "1h", ago: str | None = None, **wanted: str
) -> Compared:
    here = Surroundings(clock=ManualClock(), pause=lambda _: None)
    given = {side: wanted.get(side.value, WANTED[side]) for side in Side}
    return compare_history(here, server.url, given, window, ago, Floor(), load().ratio, target)


def test_a_slower_tier_is_named_and_what_cannot_be_said_too(tmp_path: Path) -> None:
    with ComparedPrometheus(ratio=1.4) as server:
        compared = compare(server, tmp_path / "out")
    assert (compared.document.verdict, compared.code) == ("slower", 10)
    assert compared.document.summary[0].startswith("Tier complex is slower: a typical block's mean is 1.4")
    page = (tmp_path / "out" / "report.html").read_text()
    assert "a difference here is a reason to look, not a proof" in page
    assert "24 blocks of 2 min 30 s" in page
    judgement = json.loads((tmp_path / "out" / "result.json").read_text())["judgement"]
    assert judgement["changed"] == {"complex": "slower"}


def test_two_alike_are_no_evidence(tmp_path: Path) -> None:
    with ComparedPrometheus() as server:
        compared = compare(server, tmp_path / "out")
    assert (compared.document.verdict, compared.code) == ("no evidence", 0)


def test_more_failures_are_told_whatever_the_times_are(tmp_path: Path) -> None:
    with ComparedPrometheus() as server:
        server.failed = 60
        compared = compare(server, tmp_path / "out")
    assert (compared.document.verdict, compared.code) == ("different answers", 11)
    assert compared.document.summary[0].startswith(
        "The candidate fails more: 60 (11.1%) of what it was asked, 0 (0.0%)"
    )
    assert json.loads((tmp_path / "out" / "result.json").read_text())["judgement"]["exit_code"] == 11


def test_a_tier_of_one_alone_is_not_passed_over_in_silence(tmp_path: Path) -> None:
    with ComparedPrometheus() as server:
        server.only = "complex"
        compared = compare(server, tmp_path / "out")
    assert [one["tier"] for one in compared.result["tiers"]] == ["simple"]
    assert (
        compared.document.summary[-1]
        == "Answered by one of the two, and hardly by the other, so not compared: complex."
    )


def test_another_time_can_be_the_baselines(tmp_path: Path) -> None:
    with ComparedPrometheus() as server:
        compare(server, tmp_path / "out", ago="1d")
    assert server.starts["development"] - server.starts["production"] == 86_400


def test_few_answers_are_too_little(tmp_path: Path) -> None:
    with ComparedPrometheus(ratio=3.0) as server:
        server.answers = 2
        compared = compare(server, tmp_path / "out")
        assert (compared.document.verdict, compared.code) == ("no evidence", TOO_LITTLE)
        assert compared.document.summary[0] == "Too little was measured to say anything."
        assert compared.document.summary[1].endswith("so not compared: complex and simple.")


def test_without_answers_nothing_is_written(tmp_path: Path) -> None:
    with ComparedPrometheus(tiers=()) as server, pytest.raises(Failure, match="no answers of the baseline"):
        compare(server, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_short_time_and_an_address_are_refused(tmp_path: Path) -> None:
    with ComparedPrometheus() as server:
        with pytest.raises(Failure, match="7m is too short") as caught:
            compare(server, tmp_path / "out", window="7m")
        assert caught.value.code == USAGE
        with pytest.raises(Failure, match="--candidate is no address"):
            compare(server, tmp_path / "out", candidate=server.url)
