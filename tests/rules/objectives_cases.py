"""Cases of the burn rates. Counters grow evenly, so that it can be said to the minute when a share is passed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from prometheus.objectives import bad
from tests.rules.case import PRODUCTION, Case, Firing, Recorded, named
from tests.rules.counters import added_up
from tests.rules.traffic import CONSTANT

FILE = "objectives.yml"
PAGE, TICKET = "RagLatencyBudgetBurnPage", "RagLatencyBudgetBurnTicket"
_BUCKETS = (2.56, 5.12, 10.24, 20.48, 29.0, 40.96, 58.0, 81.92)
HISTORY = 360  # minutes of good answers, so that six hours are full


@dataclass(frozen=True)
class Kind:
    """How long an answer took, and how it ended."""

    seconds: float
    outcome: str = "ok"


GOOD, SLOW = Kind(1), Kind(100)
FAILED, SHED = Kind(0.1, "error"), Kind(0.1, "rejected")
# For so many samples so many answers of each kind per sample.
Phase = tuple[int, Mapping[Kind, float]]
QUIET: Phase = (HISTORY, {GOOD: 10})


def answered(*phases: Phase, tier: str = "simple") -> dict[str, str]:
    """What the service counts; a kind of answer that never came has no counter."""
    series = {}
    for outcome in {kind.outcome for _, kinds in phases for kind in kinds}:
        labels = {**CONSTANT, "gen_ai_request_model": "llama3.2:3b", "tier": tier, "cache": "miss", "start": "warm"}
        labels["outcome"] = outcome

        def counted(bound: float, outcome: str = outcome) -> str:
            steps: list[float] = []
            for samples, kinds in phases:
                within = (many for kind, many in kinds.items() if kind.outcome == outcome and kind.seconds <= bound)
                steps += [sum(within)] * samples
            return added_up(steps)

        series[named("rag_ask_duration_seconds_count", **labels)] = counted(float("inf"))
        for bound in _BUCKETS:
            series[named("rag_ask_duration_seconds_bucket", **labels, le=repr(bound))] = counted(bound)
    return series


def _firing(alert: str, minute: int, *fired: tuple[str, str]) -> Firing:
    """`fired`: tier and window of each."""
    labels = [{**PRODUCTION, "tier": tier, "window": window} for tier, window in fired]
    return Firing(f"{minute}m", alert, labels, "page" if alert == PAGE else "ticket")


def pages(*minutes: int, windows: Sequence[str] = (), tiers: Sequence[str] = ("simple",)) -> list[Firing]:
    """Minutes after the history; without windows nothing fires."""
    fired = [(tier, window) for tier in tiers for window in windows]
    return [_firing(PAGE, HISTORY + minute, *fired) for minute in minutes]


def tickets(*hours: int, windows: Sequence[str] = ()) -> list[Firing]:
    """Hours after three good days."""
    fired = [("simple", window) for window in windows]
    return [_firing(TICKET, (_DAYS + hour) * 60, *fired) for hour in hours]


def _page(
    name: str,
    *phases: Phase,
    expected: Sequence[Firing],
    recorded: Sequence[Recorded] = (),
) -> Case:
    """After six good hours. Every five minutes is enough for most, and costs a fifth."""
    return Case(name, [FILE], answered(QUIET, *phases), expected, recorded=recorded, evaluated="5m")


def _pages() -> dict[str, Case]:
    hour, six = ["1h"], ["6h"]
    part = {GOOD: 5.5, SLOW: 4.5}
    few, none_of_them = {SLOW: 0.25}, answered((60, {SLOW: 10}), tier="none")
    return {
        "good": _page("good answers", (120, {GOOD: 10}), expected=pages(-300, 0, 60, 120)),
        # 72 % of the hour after 44 minutes, 30 % of six hours after 109.
        "outage": _page(
            "every answer is slow",
            (130, {SLOW: 10}),
            expected=[
                *pages(10, 40),
                *pages(50, 60, 120, windows=hour),
                *pages(130, windows=["1h", "6h"]),
            ],
        ),
        # Twenty answers after two minutes, all of them slow; then two minutes, or fifteen.
        "patience": Case(
            "the first answers are slow",
            [FILE],
            answered((30, {SLOW: 10})),
            [
                *pages(3 - HISTORY),
                *pages(4 - HISTORY, 16 - HISTORY, windows=hour),
                *pages(17 - HISTORY, windows=["1h", "6h"]),
            ],
        ),
        "recovery": _page(
            "an hour is bad, and it is over",
            (60, {SLOW: 10}),
            (30, {GOOD: 10}),
            expected=[*pages(60, windows=hour), *pages(65, 70, 90)],
        ),
        "short": _page("ten minutes are bad", (10, {SLOW: 10}), (30, {GOOD: 10}), expected=pages(5, 10, 15, 20)),
        "few": Case(
            "fifteen answers in the hour",
            [FILE],
            answered((HISTORY, {GOOD: 0.25}), (70, few)),
            pages(50, 60, 70),
            evaluated="5m",
        ),
        # 45 % never are 72 %; they are 30 % of six hours after four of them.
        "half": _page(
            "nearly half of the answers are slow",
            (290, part),
            (40, {GOOD: 10}),
            expected=[
                *pages(60, 200, 240, 250),
                *pages(260, 290, windows=six),
                *pages(310, 330),
            ],
        ),
        "passing": _page("an hour of nearly half", (60, part), (10, {GOOD: 10}), expected=pages(20, 40, 60)),
        "few, six hours": Case(
            "eighteen in six hours", [FILE], answered((360, {SLOW: 0.05})), pages(-60, -30, 0), evaluated="5m"
        ),
        "idle": _page(
            "nobody asks any more",
            (120, {}),
            expected=pages(60, 120),
            recorded=[Recorded(f"{HISTORY + 120}m", bad("1h"))],
        ),
        "unknown": Case("answers of no tier", [FILE], none_of_them, [_firing(PAGE, 60)]),
    }


def _kinds() -> dict[str, Case]:
    """What a bad answer is."""
    hour = ["1h"]
    both = {GOOD: 2, SLOW: 4, FAILED: 4}
    tiers = {"simple": 5.12, "medium": 10.24, "complex": 29.0, "research": 58.0}
    within, beyond = (
        {
            series: values
            for tier, bound in tiers.items()
            for series, values in answered((80, {Kind(bound + more): 10}), tier=tier).items()
        }
        for more in (-0.1, 0.1)
    )
    apart = answered(QUIET, (60, {SLOW: 10})) | answered(QUIET, (60, {Kind(8): 10}), tier="medium")
    harmless = {Kind(1, "cancelled"): 3, Kind(1, "no_context"): 3, Kind(1, "degraded"): 3, GOOD: 1}
    only = [("simple", "1h"), ("simple", "6h")]
    return {
        # Four fifths of 54 minutes are 72 % of the hour.
        "one budget": _page(
            "slow and failed ones together",
            (70, both),
            expected=[*pages(30, 50), *pages(65, 70, windows=hour)],
        ),
        "slow alone": _page("the slow ones alone", (70, {GOOD: 6, SLOW: 4}), expected=pages(65, 70)),
        "failed alone": _page("the failed ones alone", (70, {GOOD: 6, FAILED: 4}), expected=pages(65, 70)),
        "failed": _page("every answer fails", (60, {FAILED: 10}), expected=pages(55, windows=hour)),
        "shed": _page("every answer is refused", (60, {SHED: 10}), expected=pages(55, windows=hour)),
        "harmless": _page("cancelled, without a source, degraded", (60, harmless), expected=pages(10, 40, 60)),
        "never good": Case("never a success", [FILE], answered((60, {FAILED: 10})), [_firing(PAGE, 60, *only)]),
        "within": Case("within the tier's bound", [FILE], within, [_firing(PAGE, 60), _firing(PAGE, 80)]),
        "beyond": Case(
            "beyond the tier's bound",
            [FILE],
            beyond,
            [_firing(PAGE, 60, *[(tier, window) for tier in tiers for window in ("1h", "6h")])],
        ),
        "apart": Case("one tier is slow", [FILE], apart, pages(55, windows=hour), evaluated="5m"),
    }


_DAYS = 72
_PER_HOUR = 6  # a sample every ten minutes
_FULL: Phase = (_DAYS * _PER_HOUR, {GOOD: 60})


def _days(name: str, *phases: Phase, expected: Sequence[Firing]) -> Case:
    """Tickets: what days show."""
    return Case(name, [FILE], answered(*phases), expected, interval="10m", evaluated="1h")


def _tickets() -> dict[str, Case]:
    quarter, tenth = {GOOD: 45, SLOW: 15}, {GOOD: 54, SLOW: 6}
    day, days, both = ["1d"], ["3d"], ["1d", "3d"]
    return {
        # A quarter of 14.4 hours are 15 % of a day, and 5 % of three; the pairs wait one hour, and three.
        "quarter": _days(
            "a quarter of the answers is slow",
            _FULL,
            (19 * _PER_HOUR, quarter),
            (12 * _PER_HOUR, {GOOD: 60}),
            expected=[
                *tickets(1, 8, 14, 15),
                *tickets(16, 17, windows=day),
                *tickets(18, 19, windows=both),
                *tickets(21, windows=days),
                *tickets(26, 30),
            ],
        ),
        # 5 % of three days after 36 hours, then three hours.
        "tenth": _days(
            "a tenth of the answers is slow",
            _FULL,
            (42 * _PER_HOUR, tenth),
            (8 * _PER_HOUR, {GOOD: 60}),
            expected=[*tickets(24, 36, 38), *tickets(40, 42, windows=days), *tickets(47, 50)],
        ),
        "passing": _days("a bad morning", _FULL, (7 * _PER_HOUR, quarter), expected=tickets(3, 5, 7)),
        "few, a day": _days(
            "nineteen answers a day", (75 * _PER_HOUR, {SLOW: 0.133}), expected=tickets(-30, 0, 3, windows=days)
        ),
        "few, three days": _days(
            "nineteen in three days", (75 * _PER_HOUR, {SLOW: 0.044}), expected=tickets(-30, 0, 3)
        ),
    }


PAGES, KINDS, TICKETS = _pages(), _kinds(), _tickets()
