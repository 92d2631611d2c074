"""What a change brought: two versions at the same time, development beside production, and what left its own past.

Versions are compared within one window, so nothing that changes for both at once can be blamed on one: the share of
answers beyond a bucket, pooled two-sample z, the bucket with the largest. Only the version that runs now is named: that
an old one was slower is good news. Stages, hits and answers without a source are compared with their own past.
"""

from collections.abc import Sequence

from prometheus import traces
from prometheus.normal import Followed
from prometheus.promql import any_of, bound, increase, matching, rate, share
from prometheus.regression import ANSWERED
from prometheus.rule import ENVIRONMENT, INFO, MODEL, TICKET, Alert, Group, Recording, label, looked_up, value
from prometheus.thresholds import Thresholds
from service.telemetry.catalogue import (
    ASK_DURATION,
    BUILD_INFO,
    CACHE_REQUESTS,
    CONSTANT_LABELS,
    PHASE_DURATION,
    STAGE_DURATION,
    Attribute,
)

VERSION = next(name for name in CONSTANT_LABELS if name != ENVIRONMENT)
_OF_VERSION = (ENVIRONMENT, MODEL, VERSION)
BESIDE, ABOVE = "development", "production"


def beyond(window: str) -> str:
    """How many answers of a version took longer than each bound."""
    return f"environment_model_version_le:{ASK_DURATION.name}:beyond_{window}"


def count(window: str) -> str:
    """How many answers of a version."""
    return f"environment_model_version:{ASK_DURATION.name}:count_{window}"


def hits(limits: Thresholds) -> Followed:
    """Share of lookups in the answer cache that found something."""
    window = limits.stage.window
    return Followed(f"environment:{CACHE_REQUESTS.name}:hits_{window}", (ENVIRONMENT,), window, _lookups(window))


def no_context(limits: Thresholds) -> Followed:
    """Share of questions that the documents did not answer."""
    window = limits.stage.window
    return Followed(f"environment:{ASK_DURATION.name}:no_context_{window}", (ENVIRONMENT,), window, _asked(window))


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
        Group("versions", [*_versions(limits), _slower_version(limits), _slower_environment(limits)], _often(limits)),
    ]


def _often(limits: Thresholds) -> str:
    return limits.normal.every


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
        f"{followed.name} / {on} {usual} > {bounds.factor:g} and {on} ({more}) and {on} "
        f"({followed.z(limits)} > {bounds.z:g}) and {on} ({followed.count} >= {limits.regression.min_answers}) and {on} "
        f"({followed.known(limits)})",
        INFO,
        f"The stage {label('stage')} takes {value()} times its usual time",
        f"Mean of the last {bounds.window}: {_now(followed.name, followed.labels, 'humanizeDuration')} over "
        f"{_now(followed.count, followed.labels)} questions; usual: {_usual(followed, limits, 'humanizeDuration')}. "
        "This says where the time of a slower answer went.",
        bounds.for_,
        dashboard="slow",
        traces=traces.questions(f"duration > {limits.slow.default_s:g}s"),
    )


def _hits(limits: Thresholds) -> Alert:
    followed = hits(limits)
    usual, on = followed.usual("median", limits), matching(followed.labels)
    fallen = f"{usual} - {on} {followed.name} > {limits.ratio.points:g}"
    return Alert(
        "RagCacheHitRatioDrop",
        f"{followed.name} and {on} ({fallen}) and {on} ({followed.z(limits, sign='-')} > {limits.ratio.points_z:g}) and "
        f"{on} ({followed.count} >= {limits.regression.min_answers}) and {on} ({followed.known(limits)})",
        INFO,
        f"Only {value('humanizePercentage')} of the answers come from the cache",
        f"Of {_now(followed.count, followed.labels)} lookups in the last {followed.window}; usual: "
        f"{_usual(followed, limits, 'humanizePercentage')}. More questions reach a model, so answers take longer.",
        limits.ratio.for_,
        dashboard="cache",
        traces=traces.questions(f'span.{Attribute.CACHE_RESULT} != "hit"'),
    )


def _no_context(limits: Thresholds) -> Alert:
    followed = no_context(limits)
    usual, on = followed.usual("median", limits), matching(followed.labels)
    risen = f"{followed.name} - {on} {usual} > {limits.ratio.points:g}"
    return Alert(
        "RagNoContextRise",
        f"{followed.name} and {on} ({risen}) and {on} ({followed.z(limits)} > {limits.ratio.points_z:g}) and {on} "
        f"({followed.count} >= {limits.regression.min_answers}) and {on} ({followed.known(limits)})",
        TICKET,
        f"{value('humanizePercentage')} of the questions find nothing in the documents",
        f"Of {_now(followed.count, followed.labels)} questions in the last {followed.window}; usual: "
        f"{_usual(followed, limits, 'humanizePercentage')}.",
        limits.ratio.for_,
        dashboard="cache",
        traces=traces.questions(f'span.{Attribute.OUTCOME} = "no_context"'),
    )


def _versions(limits: Thresholds) -> list[Recording]:
    window = limits.comparison.window
    buckets = any_of(bound(one) for one in limits.regression.bounds_s)
    every = increase(ASK_DURATION, ANSWERED, window, _OF_VERSION, "_count")
    within = increase(ASK_DURATION, f'{ANSWERED},le=~"{buckets}"', window, (*_OF_VERSION, "le"), "_bucket")
    return [
        Recording(count(window), every),
        Recording(beyond(window), _beyond(every, within)),
    ]


def _beyond(every: str, within: str) -> str:
    """All minus those within each bucket."""
    return f"-({within} - {matching(_OF_VERSION)} group_left () {every})"


def _slower_version(limits: Thresholds) -> Alert:
    window, keys = limits.comparison.window, (ENVIRONMENT, MODEL)
    all_le, all_versions = (*keys, "le"), keys
    n, x = count(window), beyond(window)
    others_n = f"(sum by ({', '.join(all_versions)}) ({n}) - {matching(keys)} group_right () {n})"
    others_x = f"(sum by ({', '.join(all_le)}) ({x}) - {matching(all_le)} group_right () {x})"
    runs = f"count by ({ENVIRONMENT}, {VERSION}) ({BUILD_INFO.name})"
    return Alert(
        "RagVersionSlower",
        f"({_worst(x, n, others_x, others_n, _OF_VERSION, limits)}) and {matching((ENVIRONMENT, VERSION))} {runs}",
        TICKET,
        f"Version {label(VERSION)} is slower with {label(MODEL)}",
        f"Within the same {window} {value('humanizePercentage')} more of its answers are beyond a bucket than of other "
        f"versions', over {_now(n, _OF_VERSION)} answers.",
        limits.comparison.for_,
        dashboard="model",
        variables={"environment": ENVIRONMENT, "model": MODEL},
    )


def _slower_environment(limits: Thresholds) -> Alert:
    """Where one Prometheus sees both."""
    window = limits.comparison.window
    n, x = (
        f'sum by ({", ".join(keys)}) ({name}{{{ENVIRONMENT}="%s"}})'
        for name, keys in ((count(window), (ENVIRONMENT, MODEL)), (beyond(window), (ENVIRONMENT, MODEL, "le")))
    )
    above_n, above_x = (f'label_replace({one % ABOVE}, "{ENVIRONMENT}", "{BESIDE}", "", "")' for one in (n, x))
    return Alert(
        "RagEnvironmentSlower",
        _worst(x % BESIDE, n % BESIDE, above_x, above_n, (ENVIRONMENT, MODEL), limits),
        INFO,
        f"{label(MODEL)} is slower in {label(ENVIRONMENT)} than in {ABOVE}",
        f"Within the same {window} {value('humanizePercentage')} more of its answers are beyond a bucket.",
        limits.comparison.for_,
        dashboard="environments",
        variables={},
    )


def _worst(x: str, n: str, others_x: str, others_n: str, keys: Sequence[str], limits: Thresholds) -> str:
    """The largest excess share of one over the others, among the buckets where it is certain."""
    bounds, on, on_le = limits.comparison, matching(keys), matching((*keys, "le"))
    both = f"({n} + {on} {others_n})"
    pooled = f"(({x} + {on_le} {others_x}) / {on} group_left () {both})"
    excess = f"({x} / {on} group_left () ({n} > 0) - {on_le} {others_x} / {on} group_left () ({others_n} > 0))"
    # n1 * n2 / (n1 + n2): how much the two samples say together.
    weight = f"({n} * {on} {others_n} / {on} {both})"
    error = f"sqrt({pooled} * (1 - {pooled}) / {on} group_left () {weight})"
    certain = f"{excess} / {on_le} {error} > {bounds.z:g}"
    enough = " and ".join(f"{on} ({one} >= {bounds.min_answers})" for one in (n, others_n))
    return f"max by ({', '.join(keys)}) ({excess} > {bounds.points:g} and {on_le} ({certain})) and {enough}"


def _now(name: str, labels: Sequence[str], how: str = "humanize") -> str:
    return looked_up(f"{name}{{%s}}", labels, how)


def _usual(followed: Followed, limits: Thresholds, how: str) -> str:
    return looked_up(f"last_over_time({followed.part('median', limits)}{{%s}}[1h])", followed.labels, how)
