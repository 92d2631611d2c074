"""The report from Prometheus alone."""

from ops.compare.blocks import TierHistory
from ops.compare.document import Document, Section
from ops.compare.history_account import history_account, history_summary
from ops.compare.history_verdict import judge_history
from ops.compare.measured import Side
from ops.compare.recorded import Span, Totals
from ops.compare.verdict import Floor
from prometheus.thresholds import load
from tests.unit.ops.compare.made import history, totals

LIMITS = load().ratio
WANTED = {Side.BASELINE: "version=1", Side.CANDIDATE: "version=2"}
SPANS = {side: Span(1_700_000_000.0, 24, 150.0) for side in Side}


def told(found: list[TierHistory], baseline: Totals, candidate: Totals, apart: tuple[str, ...] = ()) -> Document:
    counts = {Side.BASELINE: baseline, Side.CANDIDATE: candidate}
    judged = judge_history(found, counts, Floor(), LIMITS)
    summary = history_summary(found, counts, judged, LIMITS, apart)
    return history_account(found, counts, judged, summary, WANTED, SPANS)


def section(document: Document, title: str) -> Section:
    return next(one for one in document.sections if one.title == title)


def test_changed_tiers_are_told_and_shown() -> None:
    document = told([history("a", 1.5, 0.001), history("b", 1.0, 0.9)], totals(), totals())
    assert (document.verdict, document.mood) == ("slower", "bad")
    assert document.summary == (
        "Tier a is slower: a typical block's mean is 1.50 (1.40 to 1.60) times the baseline's.",
    )
    assert document.subject.startswith("version=2 against version=1: 24 blocks of 2 min 30 s, to 20")
    times = section(document, "Time to answer")
    assert [row[1] for row in times.grid.rows] == ["slower", "no evidence"]  # type: ignore[union-attr]
    assert times.grid.rows[0][6:8] == ("2.00 s / 3.00 s", "1.50 (1.40 to 1.60)")  # type: ignore[union-attr]
    assert len(times.drawings) == 1


def test_nothing_found_is_said_beside_what_was_not_judged() -> None:
    document = told([history("a", 1.0, 0.9), history("b", 2.0, 0.001, blocks=7)], totals(), totals(), ("c",))
    assert document.summary == (
        "No change of 10% and 20 ms or more was found in any tier.",
        "Too few blocks with answers (under 8) to judge: b.",
        "Answered by one of the two, and hardly by the other, so not compared: c.",
    )
    few = told([history("b", 2.0, 0.001, blocks=7)], totals(), totals())
    assert few.summary[0] == "Too little was measured to say anything."


def test_failures_and_caches_that_differ_are_told() -> None:
    document = told([history("a", 1.0, 0.9)], totals(hits=100), totals(hits=400, failed=100))
    assert document.summary == (
        "The candidate fails more: 100 (10.0%) of what it was asked, 0 (0.0%) of what the baseline was asked.",
        "From the cache came 10% of the baseline's answers and 44% of the candidate's; the times are of the others.",
    )
    rows = {row[0]: row[1:] for row in section(document, "Everything that was asked").grid.rows}  # type: ignore[union-attr]
    assert rows["failed or turned away"] == ("0 (0.0%)", "100 (10.0%)")
    assert rows["answered from the cache"] == ("100 (10.0%)", "400 (44.4%)")
    # Of what was not from the cache: 900 and 500.
    assert rows["output tokens per answer made"] == ("100", "180")
    assert rows["stage generate, mean"] == ("1.50 s", "1.50 s")


def test_nothing_asked_is_no_share() -> None:
    nothing = totals(0)
    rows = {row[0]: row[1:] for row in section(told([], nothing, nothing), "Everything that was asked").grid.rows}  # type: ignore[union-attr]
    assert rows["failed or turned away"] == ("-", "-")
