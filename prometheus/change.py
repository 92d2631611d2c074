"""What a change brought: stages, hits in the cache and answers without a source against their own past.

Two versions at the same time, and development beside production: `versions.py`.
"""

from collections.abc import Sequence

from prometheus import traces, versions
from prometheus.normal import Followed
from prometheus.promql import increase, matching, rate, share
from prometheus.rule import ENVIRONMENT, INFO, TICKET, Alert, Group, Recording, label, recorded, value
from prometheus.thresholds import Thresholds
from service.telemetry.catalogue import (
    ASK_DURATION,
    CACHE_REQUESTS,
    PHASE_DURATION,
    STAGE_DURATION,
    Attribute,
)


def hits(limits: Thresholds) -> Followed:
    """Share of lookups in the answer cache that found something."""
    window = limits.stage.window
    return Followed(
        f"environment:{CACHE_REQUESTS.name}:hits_{window}", (ENVIRONMENT,), window, _lookups(window), share=True
    )


def no_context(limits: Thresholds) -> Followed:
    """Share of questions that the documents did not answer."""
    window = limits.stage.window
    return Followed(
        f"environment:{ASK_DURATION.name}:no_context_{window}", (ENVIRONMENT,), window, _asked(window), share=True
    )


def stages(limits: Thresholds) -> Followed:
    """Mean seconds of a stage, loading of a model taken out."""
    window = limits.stage.window
    name = f"environment_stage:{STAGE_DURATION.name}"
    return Followed(f"{name}:mean_{window}", (ENVIRONMENT, "stage"), window, f"{name}:count_{window}")


def groups(limits: Thresholds) -> list[Group]:
    """Baselines apart, because they look at a week."""
    followed = (stages(limits), hits(limits), no_context(limits))
    past = [rule for one in followed for rule in (*one.baseline(limits), one.counted(limits))]
    return [
        Group("change baselines", past, limits.normal.baseline_every),
        Group("change", [*_recorded(limits), _stage(limits), _hits(limits), _no_context(limits)], limits.normal.every),
        versions.group(limits),
    ]


def _lookups(window: str) -> str:
    return f"environment:{CACHE_REQUESTS.name}:count_{window}"


def _asked(window: str) -> str:
    return f"environment:{ASK_DURATION.name}:count_{window}"


def _recorded(limits: Thresholds) -> list[Recording]:
    window, here = limits.stage.window, (ENVIRONMENT,)
    stage, hit, unknown = stages(limits), hits(limits), no_context(limits)
    looked = 'cache="answer",result!~"bypass|coalesced"'
    found = rate(CACHE_REQUESTS, 'cache="answer",result="hit"', window, here)
    answered = 'outcome=~"ok|degraded|no_context",cache!="hit"'
    without = rate(ASK_DURATION, 'outcome="no_context",cache!="hit"', window, here, "_count")
    return [
        Recording(stage.count, increase(STAGE_DURATION, 'outcome="ok"', window, stage.labels, "_count")),
        Recording(stage.name, _stage_mean(window, stage.labels)),
        Recording(hit.count, increase(CACHE_REQUESTS, looked, window, here)),
        Recording(hit.name, share(found, rate(CACHE_REQUESTS, looked, window, here))),
        Recording(unknown.count, increase(ASK_DURATION, answered, window, here, "_count")),
        Recording(unknown.name, share(without, rate(ASK_DURATION, answered, window, here, "_count"))),
    ]


def _stage_mean(window: str, labels: Sequence[str]) -> str:
    """A cold start is told of by an alert of its own, so the seconds of loading are taken out of `generate`."""
    seconds = rate(STAGE_DURATION, 'outcome="ok"', window, labels, "_sum")
    loading = rate(PHASE_DURATION, 'phase="load"', window, (ENVIRONMENT,), "_sum")
    loading = f'label_replace({loading}, "stage", "generate", "", "")'
    warm = f"({seconds} - {matching(labels)} {loading} or {seconds})"
    times = rate(STAGE_DURATION, 'outcome="ok"', window, labels, "_count")
    return f"{warm} / {matching(labels)} ({times} > 0)"


def _stage(limits: Thresholds) -> Alert:
    followed, bounds = stages(limits), limits.stage
    on, usual = matching(followed.labels), followed.usual("median", limits)
    more = f"({followed.name} - {on} {usual}) > {bounds.min_seconds:g}"
    return Alert(
        "RagStageRegression",
        f"{followed.name} / {on} {usual} > {bounds.factor:g} and {on} ({more}) and {_certain(followed, limits, bounds.z)}",
        INFO,
        f"The stage {label('stage')} takes {value()} times its usual time",
        f"Mean of the last {bounds.window}: {recorded(followed.name, followed.labels, 'humanizeDuration')} over "
        f"{recorded(followed.count, followed.labels)} questions; usual: {followed.told(limits, 'humanizeDuration')}. "
        "This says where the time of a slower answer went.",
        bounds.for_,
        dashboard="slow",
        traces=traces.questions(f"duration > {limits.slow.default_s:g}s"),
    )


def _hits(limits: Thresholds) -> Alert:
    followed = hits(limits)
    fallen = f"{followed.usual('median', limits)} - {matching(followed.labels)} {followed.name}"
    return Alert(
        "RagCacheHitRatioDrop",
        _moved(followed, limits, fallen, "-"),
        INFO,
        f"Only {value('humanizePercentage')} of the answers come from the cache",
        f"Of {recorded(followed.count, followed.labels)} lookups in the last {followed.window}; usual: "
        f"{followed.told(limits, 'humanizePercentage')}. More questions reach a model, so answers take longer.",
        limits.ratio.for_,
        dashboard="cache",
        traces=traces.questions(f'span.{Attribute.CACHE_RESULT} != "hit"'),
    )


def _no_context(limits: Thresholds) -> Alert:
    followed = no_context(limits)
    risen = f"{followed.name} - {matching(followed.labels)} {followed.usual('median', limits)}"
    return Alert(
        "RagNoContextRise",
        _moved(followed, limits, risen),
        TICKET,
        f"{value('humanizePercentage')} of the questions find nothing in the documents",
        f"Of {recorded(followed.count, followed.labels)} questions in the last {followed.window}; usual: "
        f"{followed.told(limits, 'humanizePercentage')}.",
        limits.ratio.for_,
        dashboard="cache",
        traces=traces.questions(f'span.{Attribute.OUTCOME} = "no_context"'),
    )


def _moved(followed: Followed, limits: Thresholds, by: str, sign: str = "") -> str:
    """A share that is so many points from its usual one, where that is certain."""
    points = f"{matching(followed.labels)} ({by} > {limits.ratio.points:g})"
    return f"{followed.name} and {points} and {_certain(followed, limits, limits.ratio.points_z, sign)}"


def _certain(followed: Followed, limits: Thresholds, z: float, sign: str = "") -> str:
    """Where a value is so many spreads from its usual one, of enough events, and with enough of a past."""
    conditions = (
        f"{followed.z(limits, sign=sign)} > {z:g}",
        f"{followed.count} >= {limits.regression.min_answers}",
        followed.known(limits),
    )
    return " and ".join(f"{matching(followed.labels)} ({condition})" for condition in conditions)
