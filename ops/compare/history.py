"""A comparison from Prometheus alone: nothing is asked of the services, and less can be said."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np

from ops.compare.blocks import LEAST_BLOCKS, Block, tier_history
from ops.compare.files import Folder
from ops.compare.history_account import history_account, history_summary
from ops.compare.history_verdict import judge_history
from ops.compare.measured import Side
from ops.compare.recorded import Recorded, Span, selector
from ops.compare.session import Compared
from ops.compare.verdict import Floor
from prometheus.thresholds import Ratios
from service.cli.failures import USAGE, Failure
from service.cli.surroundings import Surroundings
from service.cli.wording import seconds, span_s

_MOST_BLOCKS = 24
# Several scrapes fall into a block, or its counts mean nothing.
_LEAST_BLOCK_S = 60.0
_SEED = 1


def compare_history(
    here: Surroundings,
    url: str,
    wanted: Mapping[Side, str],
    window: str,
    ago: str | None,
    floor: Floor,
    limits: Ratios,
    target: Path,
) -> Compared:
    """The report, written into a new folder. Raises `Failure`."""
    which = {side: selector(text, f"--{side}") for side, text in wanted.items()}
    spans = _spans(here.clock.time(), window, ago)
    if which[Side.BASELINE] == which[Side.CANDIDATE] and not ago:
        here.note("Both are the same series at the same time.")
    recorded = Recorded(url)
    tiers: dict[Side, dict[str, list[Block]]] = {}
    for side in Side:
        tiers[side] = recorded.tiers(which[side], spans[side])
        recorded.require(tiers[side], side, wanted[side], spans[side])
    rng = np.random.default_rng(_SEED)
    both = [tier for tier in tiers[Side.BASELINE] if tier in tiers[Side.CANDIDATE]]
    histories = [tier_history(t, tiers[Side.BASELINE][t], tiers[Side.CANDIDATE][t], rng) for t in sorted(both)]
    found = [one for one in histories if one is not None]
    totals = {side: recorded.totals(which[side], spans[side]) for side in Side}
    judged = judge_history(found, totals, floor, limits)
    apart = sorted((tiers[Side.BASELINE].keys() | tiers[Side.CANDIDATE].keys()) - {one.tier for one in found})
    summary = history_summary(found, totals, judged, limits, apart)
    document = history_account(found, totals, judged, summary, wanted, spans)
    result = {
        "judgement": asdict(judged) | {"exit_code": judged.exit_code},
        "tiers": [asdict(one) for one in found],
        "totals": {s: asdict(t) for s, t in totals.items()},
    }
    Folder(target).write(document, result)
    return Compared(document, result, judged.exit_code)


def _spans(end: float, window: str, ago: str | None) -> dict[Side, Span]:
    blocks = min(_MOST_BLOCKS, int(span_s(window) // _LEAST_BLOCK_S))
    if blocks < LEAST_BLOCKS:
        why = f"there must be {LEAST_BLOCKS} blocks of {seconds(_LEAST_BLOCK_S)}"
        raise Failure(f"{window} is too short", why, todo="Name a longer --window.", code=USAGE)
    block_s = span_s(window) // blocks
    earlier_s = span_s(ago) if ago else 0.0
    return {Side.BASELINE: Span(end - earlier_s, blocks, block_s), Side.CANDIDATE: Span(end, blocks, block_s)}
