"""A comparison from Prometheus alone."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest

from ops.compare.blocks import TierHistory
from ops.compare.history import compare_history, judge_history
from ops.compare.measured import Side
from ops.compare.session import Compared
from ops.compare.times import Ratio
from ops.compare.verdict import TOO_LITTLE, Floor, Verdict
from service.cli.failures import USAGE, Failure
from service.cli.surroundings import Surroundings
from service.telemetry.catalogue import L
from tests.fakes.clock import ManualClock
from tests.fakes.http_listener import HttpListener, Request

WANTED = {Side.BASELINE: "environment=production", Side.CANDIDATE: "environment=development"}


class Prometheus(HttpListener):
    """Knows 20 answers a block and tier; those of development take `ratio` times as long. `starts` logs where a range
    begins, by environment."""

    def __init__(self, ratio: float = 1.0, tiers: tuple[str, ...] = ("simple", "complex")) -> None:
        super().__init__()
        self.ratio = ratio
        self.tiers = tiers
        self.answers = 20
        self.starts: dict[str, float] = {}

    def get(self, request: Request) -> None:
        parts = urlsplit(request.path)
        given = {name: values[0] for name, values in parse_qs(parts.query).items()}
        ranged = parts.path.endswith("query_range")
        told = {"data": {"result": self._ranges(given) if ranged else self._totals(given["query"])}}
        request.reply(200, json.dumps(told).encode())

    def _ranges(self, given: dict[str, str]) -> list[dict[str, Any]]:
        query, step = given["query"], float(given["step"].removesuffix("s"))
        where = "development" if "development" in query else "production"
        start = self.starts[where] = float(given["start"])
        ats = np.arange(start, float(given["end"]) + 1, step)
        rng = np.random.default_rng(len(where))
        result: list[dict[str, Any]] = []
        for tier in self.tiers:
            slow = self.ratio if where == "development" and tier == "complex" else 1.0
            times = slow * rng.lognormal(0.5, 0.3, (len(ats), self.answers))
            if "_bucket" in query:
                for bound in (*L, float("inf")):
                    values = [[at, str(int((row <= bound).sum()))] for at, row in zip(ats, times, strict=True)]
                    result.append({"metric": {"tier": tier, "le": str(bound).replace("inf", "+Inf")}, "values": values})
            else:
                values = times.sum(axis=1) if "_sum" in query else np.full(len(ats), self.answers)
                rows = [[at, str(value)] for at, value in zip(ats, values, strict=True)]
                result.append({"metric": {"tier": tier}, "values": rows})
        return result

    def _totals(self, query: str) -> list[dict[str, Any]]:
        labels = {"outcome": "ok", "cache": "miss", "start": "warm"} if "outcome" in query else {"stage": "generate"}
        return [{"metric": labels, "value": [0, "480"]}]


def compare(server: Prometheus, target: Path, window: str = "1h", ago: str | None = None, **wanted: str) -> Compared:
    here = Surroundings(clock=ManualClock(), pause=lambda _: None)
    given = {side: wanted.get(side.value, WANTED[side]) for side in Side}
    return compare_history(here, server.url, given, window, ago, Floor(), target)


def test_a_slower_tier_is_named_and_what_cannot_be_said_too(tmp_path: Path) -> None:
    with Prometheus(ratio=1.4) as server:
        compared = compare(server, tmp_path / "out")
    assert (compared.document.verdict, compared.code) == ("slower", 10)
    (sentence,) = compared.document.summary
    assert sentence.startswith("Tier complex is slower: a typical block's mean is 1.4")
    page = (tmp_path / "out" / "report.html").read_text()
    assert "a difference here is a reason to look, not a proof" in page
    assert "24 blocks of 2 min 30 s" in page
    judgement = json.loads((tmp_path / "out" / "result.json").read_text())["judgement"]
    assert judgement["changed"] == {"complex": "slower"}


def test_two_alike_are_no_evidence(tmp_path: Path) -> None:
    with Prometheus() as server:
        compared = compare(server, tmp_path / "out")
    assert (compared.document.verdict, compared.code) == ("no evidence", 0)


def test_another_time_can_be_the_baselines(tmp_path: Path) -> None:
    with Prometheus() as server:
        compare(server, tmp_path / "out", ago="1d")
    assert server.starts["development"] - server.starts["production"] == 86_400


def test_few_answers_are_too_little(tmp_path: Path) -> None:
    with Prometheus(ratio=3.0) as server:
        server.answers = 2
        compared = compare(server, tmp_path / "out")
        assert (compared.document.verdict, compared.code) == ("no evidence", TOO_LITTLE)


def test_a_tier_that_one_side_lacks_is_not_compared(tmp_path: Path) -> None:
    with Prometheus(tiers=()) as server, pytest.raises(Failure, match="no answers of the baseline"):
        compare(server, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_short_time_and_an_address_are_refused(tmp_path: Path) -> None:
    with Prometheus() as server:
        with pytest.raises(Failure, match="7m is too short") as caught:
            compare(server, tmp_path / "out", window="7m")
        assert caught.value.code == USAGE
        with pytest.raises(Failure, match="--candidate is no address"):
            compare(server, tmp_path / "out", candidate=server.url)


def history(tier: str, ratio: float, p: float, blocks: int = 24) -> TierHistory:
    one = Ratio(ratio, ratio - 0.1, ratio + 0.1)
    times = (2.0, 2.0 * ratio)
    return TierHistory(tier, (480, 480), (blocks, blocks), times, times, one, one, one, p, 0.5)


@pytest.mark.parametrize(
    ("found", "verdict", "named"),
    [
        ([history("a", 1.5, 0.001), history("b", 0.6, 0.001)], Verdict.SLOWER, {"a": "slower", "b": "faster"}),
        ([history("a", 0.6, 0.001)], Verdict.FASTER, {"a": "faster"}),
        # Two are tested: a p of 0.03 alone is not enough.
        ([history("a", 1.5, 0.03), history("b", 1.0, 0.9)], Verdict.NO_EVIDENCE, {}),
        ([history("a", 1.05, 0.001)], Verdict.NO_EVIDENCE, {}),
        ([history("a", 1.5, 0.001, blocks=7)], Verdict.NO_EVIDENCE, {}),
        ([], Verdict.NO_EVIDENCE, {}),
    ],
)
def test_the_verdict_is_sure_and_large_enough(
    found: list[TierHistory], verdict: Verdict, named: dict[str, str]
) -> None:
    assert judge_history(found, Floor())[:2] == (verdict, named)
