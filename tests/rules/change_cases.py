"""Cases of stages, of hits in the cache and of answers without a source."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from prometheus import change
from prometheus.thresholds import of_environment
from tests.rules.case import PRODUCTION, Case, Firing, Recorded, named
from tests.rules.counters import added_up, grows, stays, usual

LIMITS = of_environment("production")
STAGE, HITS, NO_CONTEXT = "RagStageRegression", "RagCacheHitRatioDrop", "RagNoContextRise"
# Two questions a minute are 120 an hour. The change comes after an hour and a half.
_RATE, _BEFORE, _AFTER = 2.0, 90, 150
_USUAL = usual(change.stages(LIMITS), LIMITS, median=5, spread=0.3, labels={"stage": "generate"})
_USUAL_HITS = usual(change.hits(LIMITS), LIMITS, median=0.6, spread=0.04)
_USUAL_NONE = usual(change.no_context(LIMITS), LIMITS, median=0.1, spread=0.03)


def _stage(
    stage: str,
    before_s: float,
    after_s: float,
    *,
    rate: float = _RATE,
    outcome: str = "ok",
    after: int = _AFTER,
) -> dict[str, str]:
    labels = {**PRODUCTION, "stage": stage, "outcome": outcome}
    return {
        named("rag_stage_duration_seconds_sum", **labels): grows((rate * before_s, _BEFORE), (rate * after_s, after)),
        named("rag_stage_duration_seconds_count", **labels): grows((rate, _BEFORE + after)),
    }


def _phase(phase: str, model: str, after_s: float) -> dict[str, str]:
    """The model's own account of a part of each answer."""
    labels = {**PRODUCTION, "gen_ai_request_model": model, "phase": phase}
    return {named("rag_llm_phase_duration_seconds_sum", **labels): grows((0, _BEFORE), (_RATE * after_s, _AFTER))}


def _case(name: str, series: Mapping[str, str], expected: Sequence[Firing], recorded: Sequence[Recorded] = ()) -> Case:
    """Evaluated as often as the group says."""
    return Case(name, ("change.yml",), series, expected, recorded=recorded, evaluated=LIMITS.normal.every)


def side_by_side(cases: Sequence[Case]) -> Case:
    """Cases in which nothing fires, as environments of one Prometheus: as strict, and much quicker."""
    series = {
        series.replace('"production"', f'"{case.name}"'): values
        for case in cases
        for series, values in case.series.items()
    }
    return replace(cases[0], name="; ".join(case.name for case in cases), series=series, recorded=())


def _is_slow(at: str, stage: str = "generate") -> Firing:
    return Firing(at, STAGE, ({**PRODUCTION, "stage": stage},), "info")


def _silent(alert: str, *times: str) -> tuple[Firing, ...]:
    return tuple(Firing(at, alert) for at in times)


_DURING = ("1h25m", "1h50m", "2h30m", "3h", "4h")
# Each slow minute adds a sixtieth of 5.5 s to the mean: 7.5 s are passed after 28 minutes, told after 45.
slow_stage = _case(
    "a stage that takes twice as long, and another that does not",
    {**_USUAL, **_stage("generate", 5, 10.5), **_stage("retrieve", 0.4, 0.4), **_phase("eval", "small", 4)}
    | usual(change.stages(LIMITS), LIMITS, median=0.4, spread=0.02, labels={"stage": "retrieve"}),
    (*_silent(STAGE, "1h30m", "1h55m", "2h10m"), _is_slow("2h15m"), _is_slow("4h")),
)
stage_recovers = _case(
    "a stage that was slow for an hour and is as before",
    _USUAL
    | {
        named("rag_stage_duration_seconds_sum", **PRODUCTION, stage="generate", outcome="ok"): grows(
            (10, 90), (20, 60), (10, 90)
        ),
        named("rag_stage_duration_seconds_count", **PRODUCTION, stage="generate", outcome="ok"): grows((2, 240)),
    },
    (_is_slow("2h30m"), *_silent(STAGE, "3h5m", "4h")),
)
fast_stage = _case(
    "a stage of milliseconds that doubles",
    usual(change.stages(LIMITS), LIMITS, median=0.05, spread=0.002, labels={"stage": "embed"})
    | _stage("embed", 0.05, 0.1),
    _silent(STAGE, *_DURING),
)
little_slower = _case("1.4 times as long is certain, but no matter", _USUAL | _stage("generate", 5, 7),
                     _silent(STAGE, *_DURING))  # fmt: skip
uncertain_stage = _case(
    "twice as long, where such hours are usual",
    usual(change.stages(LIMITS), LIMITS, median=5, spread=2, labels={"stage": "generate"}) | _stage("generate", 5, 10),
    _silent(STAGE, *_DURING),
)
quiet_stage = _case(
    "twice as long in a quiet hour, of which little is known",
    usual(change.stages(LIMITS), LIMITS, median=5, spread=0.3, count=3600, labels={"stage": "generate"})
    | _stage("generate", 5, 10),
    _silent(STAGE, *_DURING),
)
busy_stage = _case(
    "a busy hour is no more certain than others: loads wander as ever",
    usual(change.stages(LIMITS), LIMITS, median=5, spread=1.5, count=20, labels={"stage": "generate"})
    | _stage("generate", 5, 10),
    _silent(STAGE, *_DURING),
)
few_stages = _case(
    "too few questions: 18 in the hour",
    usual(change.stages(LIMITS), LIMITS, median=5, spread=0.3, count=18, labels={"stage": "generate"})
    | _stage("generate", 5, 20, rate=0.3),
    _silent(STAGE, *_DURING),
)
young_stage = _case(
    "less than a day is known",
    usual(
        change.stages(LIMITS),
        LIMITS,
        median=5,
        spread=0.3,
        points=LIMITS.normal.min_points - 1,
        labels={"stage": "generate"},
    )
    | _stage("generate", 5, 10),
    _silent(STAGE, *_DURING),
)
idle_stage = _case(
    "nobody asks",
    {**_USUAL, **_stage("generate", 0, 0, rate=0)},
    _silent(STAGE, *_DURING),
    recorded=[Recorded("3h", change.stages(LIMITS).name)],
)
_LOADING = {**_phase("load", "small", 2), **_phase("load", "large", 4)}
loading = _case(
    "models that are loaded again and again do not make generating slow",
    {**_USUAL, **_stage("generate", 5, 11), **_LOADING},
    _silent(STAGE, *_DURING),
    recorded=[
        Recorded("3h", f"round({change.stages(LIMITS).name}, 0.001)", {named("", **PRODUCTION, stage="generate"): 5})
    ],
)
slow_and_loading = _case(
    "a stage that is slow beside loads of another stage's seconds",
    _LOADING
    | usual(change.stages(LIMITS), LIMITS, median=1, spread=0.1, labels={"stage": "retrieve"})
    | _stage("retrieve", 1, 3),
    (_is_slow("4h", "retrieve"),),
)
failed_stage = _case(
    "time until a failure is not the stage's time",
    {**_USUAL, **_stage("generate", 5, 5), **_stage("generate", 60, 60, outcome="error")},
    _silent(STAGE, *_DURING),
)


@dataclass(frozen=True)
class _Share:
    """Shares of lookups that are hits, or of questions without a source, before and after the change."""

    before: float
    after: float
    rate: float = _RATE

    def lookups(self, **minutes: int) -> dict[str, str]:
        hit, missed = self._parts(**minutes)
        of = {**PRODUCTION, "cache": "answer"}
        return {
            named("rag_cache_requests_total", **of, result="hit"): hit,
            named("rag_cache_requests_total", **of, result="miss"): missed,
            # Neither is a lookup that could have found something, nor is another cache this one.
            named("rag_cache_requests_total", **of, result="bypass"): stays(0),
            named("rag_cache_requests_total", **PRODUCTION, cache="embedding", result="hit"): stays(0),
        }

    def questions(self, **minutes: int) -> dict[str, str]:
        none, ok = self._parts(**minutes)
        of = {**PRODUCTION, "cache": "miss"}
        return {
            named("rag_ask_duration_seconds_count", **of, outcome="no_context"): none,
            named("rag_ask_duration_seconds_count", **of, outcome="ok"): ok,
        }

    def _parts(self, before: int = _BEFORE, after: int = _AFTER, again: int = 0) -> tuple[str, str]:
        phases = [(self.before, before), (self.after, after)] + ([(self.before, again)] if again else [])
        part, rest = (
            grows(*((self.rate * share, minutes) for share, minutes in one))
            for one in (phases, [(1 - share, minutes) for share, minutes in phases])
        )
        return part, rest


def _fallen(at: str) -> Firing:
    return Firing(at, HITS, (PRODUCTION,), "info")


def _risen(at: str) -> Firing:
    return Firing(at, NO_CONTEXT, (PRODUCTION,))


# Every minute without a hit takes a point off; of 120 lookups 18 points are four errors: seen after 20 minutes.
flushed = _case(
    "a cache that was emptied, and fills again",
    {**_USUAL_HITS, **_Share(0.6, 0.0).lookups(after=40, again=120)},
    (*_silent(HITS, "1h30m", "1h50m"), _fallen("1h55m"), _fallen("2h20m"), *_silent(HITS, "3h10m", "4h")),
)
no_lookups = _case(
    "a cache that nobody asks",
    {**_USUAL_HITS, **_Share(0.6, 0.0, rate=0).lookups()},
    _silent(HITS, *_DURING),
    recorded=[Recorded("3h", change.hits(LIMITS).name)],
)
few_lookups = _case(
    "too few lookups: 18 in the hour", _USUAL_HITS | _Share(0.9, 0.0, rate=0.3).lookups()
    | usual(change.hits(LIMITS), LIMITS, median=0.95, spread=0.01, count=18), _silent(HITS, *_DURING),
)  # fmt: skip
young_hits = _case(
    "less than a day is known of the cache",
    usual(change.hits(LIMITS), LIMITS, median=0.6, spread=0.04, points=LIMITS.normal.min_points - 1)
    | _Share(0.6, 0.0).lookups(),
    _silent(HITS, *_DURING),
)
little_fewer = _case(
    "ten points fewer hits of 3600 lookups are certain, but no matter",
    usual(change.hits(LIMITS), LIMITS, median=0.6, spread=0.01, count=3600) | _Share(0.6, 0.5, rate=60).lookups(),
    _silent(HITS, *_DURING),
)
uncertain_hits = _case(
    "thirty points fewer, where such hours are usual",
    usual(change.hits(LIMITS), LIMITS, median=0.6, spread=0.1) | _Share(0.6, 0.3).lookups(),
    _silent(HITS, *_DURING),
)
lucky_hits = _case(
    "a spread that was small by chance: of 24 lookups thirty points fewer say nothing",
    usual(change.hits(LIMITS), LIMITS, median=0.6, spread=0.01, count=24) | _Share(0.6, 0.3, rate=0.4).lookups(),
    _silent(HITS, *_DURING),
)
quiet_hits = _case(
    "twenty points fewer in a quiet hour, of which little is known",
    usual(change.hits(LIMITS), LIMITS, median=0.9, spread=0.045, count=480) | _Share(0.9, 0.7).lookups(),
    _silent(HITS, *_DURING),
)
more_hits = _case("more hits", _USUAL_HITS | _Share(0.6, 0.95).lookups(), _silent(HITS, *_DURING))
bypassed = _case(
    "questions that go past the cache, share another's work, or look into another cache",
    {
        **_USUAL_HITS,
        **_Share(0.6, 0.6).lookups(),
        **{
            named("rag_cache_requests_total", **PRODUCTION, cache=cache, result=result): grows(
                (0, _BEFORE), (9, _AFTER)
            )
            for cache, result in (("answer", "bypass"), ("answer", "coalesced"), ("embedding", "miss"))
        },
    },
    _silent(HITS, *_DURING),
)
never_hit = _case(
    "a cache in which nothing was found since its start",
    {
        **_USUAL_HITS,
        named("rag_cache_requests_total", **PRODUCTION, cache="answer", result="miss"): grows((2, 240)),
    },
    (_fallen("1h10m"),),
)

unknown = _case(
    "questions that the documents do not answer, beside hits and failures",
    {
        **_USUAL_NONE,
        **_Share(0.1, 0.4).questions(),
        named("rag_ask_duration_seconds_count", **PRODUCTION, cache="hit", outcome="ok"): grows((4, 240)),
        named("rag_ask_duration_seconds_count", **PRODUCTION, cache="miss", outcome="error"): grows((4, 240)),
    },
    (*_silent(NO_CONTEXT, "1h30m", "2h"), _risen("2h5m"), _risen("4h")),
)
known_again = _case(
    "documents that were missing for a while",
    {**_USUAL_NONE, **_Share(0.1, 0.6).questions(after=60, again=90)},
    (_risen("2h20m"), *_silent(NO_CONTEXT, "3h25m", "4h")),
)
rare_unknown = _case(
    "the first four of 24 questions of which nothing is known",
    usual(change.no_context(LIMITS), LIMITS, median=0, spread=0, count=24) | _Share(0, 1 / 6, rate=0.4).questions(),
    _silent(NO_CONTEXT, *_DURING),
)
first_unknown = _case(
    "the first sixth of 120 questions of which nothing is known",
    usual(change.no_context(LIMITS), LIMITS, median=0, spread=0) | _Share(0, 0.17).questions(),
    (_risen("3h"),),
)
few_unknown = _case(
    "too few questions: 18 in the hour, all unknown",
    usual(change.no_context(LIMITS), LIMITS, median=0.05, spread=0.01, count=18)
    | _Share(0.05, 1, rate=0.3).questions(),
    _silent(NO_CONTEXT, *_DURING),
)
young_unknown = _case(
    "less than a day is known of the questions",
    usual(change.no_context(LIMITS), LIMITS, median=0.1, spread=0.03, points=LIMITS.normal.min_points - 1)
    | _Share(0.1, 0.6).questions(),
    _silent(NO_CONTEXT, *_DURING),
)
little_more = _case(
    "ten points more of 3600 questions are certain, but no matter",
    usual(change.no_context(LIMITS), LIMITS, median=0.1, spread=0.01, count=3600) | _Share(0.1, 0.2, 60).questions(),
    _silent(NO_CONTEXT, *_DURING),
)
uncertain_unknown = _case(
    "thirty points more, where such hours are usual",
    usual(change.no_context(LIMITS), LIMITS, median=0.1, spread=0.1) | _Share(0.1, 0.4).questions(),
    _silent(NO_CONTEXT, *_DURING),
)
quiet_unknown = _case(
    "twenty points more in a quiet hour, of which little is known",
    usual(change.no_context(LIMITS), LIMITS, median=0.1, spread=0.045, count=480) | _Share(0.1, 0.3).questions(),
    _silent(NO_CONTEXT, *_DURING),
)
idle_questions = _case(
    "nobody asks, so nothing is unknown",
    {**_USUAL_NONE, **_Share(0.1, 0.1, rate=0).questions()},
    _silent(NO_CONTEXT, *_DURING),
    recorded=[Recorded("3h", change.no_context(LIMITS).name)],
)
fewer_unknown = _case(
    "documents that answer more", usual(change.no_context(LIMITS), LIMITS, median=0.5, spread=0.03)
    | _Share(0.5, 0.0).questions(), _silent(NO_CONTEXT, *_DURING),
)  # fmt: skip


def _noise(seed: int, minutes: int = 600) -> dict[str, str]:
    """Nothing but chance: Poisson arrivals, log-normal seconds, each lookup and question by itself."""
    chance = np.random.default_rng(seed)
    made: dict[str, str] = {}
    for stage, seconds in (("generate", 5.0), ("retrieve", 0.4)):
        number = chance.poisson(_RATE, minutes)
        sums = [chance.lognormal(np.log(seconds) - 0.18, 0.6, one).sum() for one in number]
        labels = {**PRODUCTION, "stage": stage, "outcome": "ok"}
        made[named("rag_stage_duration_seconds_sum", **labels)] = added_up(sums)
        made[named("rag_stage_duration_seconds_count", **labels)] = added_up(number)
    for metric, share, (part, rest), common in (
        ("rag_cache_requests_total", 0.6, ({"result": "hit"}, {"result": "miss"}), {"cache": "answer"}),
        (
            "rag_ask_duration_seconds_count",
            0.1,
            ({"outcome": "no_context"}, {"outcome": "ok"}),
            {"cache": "miss"},
        ),
    ):
        of_part, others = chance.poisson(_RATE * share, minutes), chance.poisson(_RATE * (1 - share), minutes)
        made[named(metric, **PRODUCTION, **common, **part)] = added_up(of_part)
        made[named(metric, **PRODUCTION, **common, **rest)] = added_up(others)
    return made


_PAST = {
    **_USUAL,
    **_USUAL_HITS,
    **_USUAL_NONE,
    **usual(change.stages(LIMITS), LIMITS, median=0.4, spread=0.024, labels={"stage": "retrieve"}),
}
NOISE = tuple(
    _case(
        f"nothing but chance, seed {seed}",
        {**_PAST, **_noise(seed)},
        [
            firing
            for alert in (STAGE, HITS, NO_CONTEXT)
            for at in range(70, 600, 5)
            for firing in _silent(alert, f"{at}m")
        ],
    )
    for seed in range(4)
)
ALL: tuple[Case, ...] = tuple(value for value in tuple(globals().values()) if isinstance(value, Case))
QUIET = tuple(case for case in ALL if not any(firing.labels for firing in case.expected))
_SUITE = (*(case for case in ALL if case not in QUIET), *(case for case in QUIET if case.recorded))
CASES = (
    *_SUITE,
    side_by_side(NOISE),
    *(
        side_by_side([case for case in QUIET if case.expected[0].alert == alert and not case.recorded])
        for alert in (STAGE, HITS, NO_CONTEXT)
    ),
)
