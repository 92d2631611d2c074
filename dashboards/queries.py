"""Every PromQL expression, by what it answers. Names of metrics come from the catalogue.

Variables of the dashboards: `$environment`, `$model` (several), `$cache`. `WITHIN` is the window for what is counted on
a quiet box: two questions a minute are ten in five minutes.
"""

from collections.abc import Iterable

from prometheus import foreign, promql
from prometheus.regression import ANSWERED
from prometheus.thresholds import Thresholds
from service.telemetry import catalogue as c
from service.telemetry.catalogue import MODEL_LABEL as MODEL
from service.telemetry.metric import Metric

ENVIRONMENT = 'deployment_environment_name="$environment"'
MODELS = f'{ENVIRONMENT},{MODEL}=~"$model"'
WITHIN = "5m"
LATELY = "30m"
HOUR = "1h"
# What is usual, until there is a better account of it: the mean of a day.
DAY = "1d"
SMOOTH = "$__rate_interval"
FAILED = 'outcome=~"error|rejected"'


def rate(metric: Metric, selector: str, by: Iterable[str] = (), window: str = SMOOTH, suffix: str = "") -> str:
    """Per second, summed by labels; over as much as the step of a line needs."""
    return promql.rate(metric, selector, window, by, suffix)


def increase(metric: Metric, selector: str, by: Iterable[str] = (), window: str = WITHIN, suffix: str = "") -> str:
    """How many in the window, summed by labels."""
    return promql.increase(metric, selector, window, by, suffix)


def mean(metric: Metric, selector: str, by: Iterable[str] = (), window: str = SMOOTH) -> str:
    """Mean of a histogram; absent without values, so that no traffic is no line."""
    return promql.mean(metric, selector, window, by)


def quantile(
    share: float, metric: Metric, selector: str, limits: Thresholds, by: Iterable[str] = (), window: str = WITHIN
) -> str:
    """A quantile, shown where there were enough values for one."""
    by = tuple(by)
    values = rate(metric, selector, ("le", *by), window, "_bucket")
    enough = f"{increase(metric, selector, by, window, '_count')} >= {limits.quantiles.min_answers}"
    on = promql.matching(by)
    return f"histogram_quantile({share:g}, {values}) and {on} ({enough})"


def quantile_line(share: float, metric: Metric, selector: str, limits: Thresholds, by: Iterable[str] = ()) -> str:
    """The same for a line: over 5 minutes, and where these have too few values over 30, as on a quiet box."""
    by = tuple(by)
    return " or ".join(quantile(share, metric, selector, limits, by, window) for window in (WITHIN, LATELY))


def quantile_or_nan(
    share: float, metric: Metric, selector: str, limits: Thresholds, by: Iterable[str], window: str
) -> str:
    """The same for a column of a table, which would be gone if no row had a value: not a number where there were few."""
    by = tuple(by)
    some = f"NaN * ({increase(metric, selector, by, window, '_count')} > 0)"
    return f"({quantile(share, metric, selector, limits, by, window)}) or on ({', '.join(by)}) ({some})"


def mean_of_a_day(metric: Metric, selector: str, by: Iterable[str] = ()) -> str:
    """Mean of the day before each moment. A line of it is cheap: each minute of the day is looked at once."""
    by = tuple(by)
    total, count = (
        f"sum_over_time({rate(metric, selector, by, '1m', suffix)}[1d:1m])" for suffix in ("_sum", "_count")
    )
    return f"{total} / ({count} > 0)"


def gauge(metric: Metric, selector: str, by: Iterable[str] = ()) -> str:
    """The present value, summed by labels."""
    return f"sum{promql.clause(by)} ({metric.name}{{{selector}}})"


# Questions


def asks(selector: str = MODELS, by: Iterable[str] = (), window: str = SMOOTH) -> str:
    """Questions per second."""
    return rate(c.ASK_DURATION, selector, by, window, "_count")


def answers_in(window: str, selector: str = MODELS, by: Iterable[str] = ()) -> str:
    """Questions in a window."""
    return increase(c.ASK_DURATION, selector, by, window, "_count")


def error_share(selector: str = ENVIRONMENT, by: Iterable[str] = (), window: str = WITHIN) -> str:
    """Questions that failed, of all."""
    by = tuple(by)
    return promql.share(asks(f"{selector},{FAILED}", by, window), asks(selector, by, window))


def outcome_share(outcome: str, selector: str = ENVIRONMENT, window: str = WITHIN) -> str:
    """Questions that ended so, of all."""
    return promql.share(asks(f'{selector},outcome="{outcome}"', (), window), asks(selector, (), window))


def hit_share(cache: str = "answer", selector: str = ENVIRONMENT, window: str = WITHIN) -> str:
    """Lookups that found something, of those that looked."""
    looked = f'{selector},cache="{cache}",result!~"bypass|coalesced"'
    return promql.share(
        rate(c.CACHE_REQUESTS, f'{selector},cache="{cache}",result="hit"', (), window),
        rate(c.CACHE_REQUESTS, looked, (), window),
    )


def good_share(limits: Thresholds, window: str, selector: str = ENVIRONMENT) -> str:
    """Answers without a failure and within their tier's bound, of all that a tier was known for."""
    known = _with_a_tier(limits, selector)
    fast = _within_bounds(limits, f"{selector},{_NOT_FAILED}", (), window, asks(known, (), window))
    return f"({fast}) / ({asks(known, (), window)} > 0)"


def over_bound(limits: Thresholds, selector: str = MODELS, by: Iterable[str] = (), window: str = LATELY) -> str:
    """Share of answers that took longer than their tier's bound, failed or not."""
    by = tuple(by)
    whole = asks(_with_a_tier(limits, selector), by, window)
    return f"1 - ({_within_bounds(limits, selector, by, window, whole)}) / ({whole} > 0)"


def burn_rate(limits: Thresholds, window: str, selector: str = ENVIRONMENT) -> str:
    """How many times faster than allowed the error budget is used."""
    return f"clamp_min(1 - ({good_share(limits, window, selector)}), 0) / {1 - limits.slo.target:g}"


def slower_than(bound_s: float, selector: str = MODELS, by: Iterable[str] = (MODEL,), window: str = LATELY) -> str:
    """Share of answers beyond a bucket's bound."""
    by = tuple(by)
    within = rate(c.ASK_DURATION, f'{selector},le="{promql.bound(bound_s)}"', by, window, "_bucket")
    return f"1 - ({within}) / ({asks(selector, by, window)} > 0)"


def against_a_day(limits: Thresholds, by: Iterable[str] = (MODEL,), selector: str = MODELS) -> str:
    """Mean of the last hour over that of the last day, of answers that a loaded model made, where there were enough in
    the hour. 1 is as usual."""
    by, missed = tuple(by), f"{selector},{ANSWERED}"
    ratio = f"({mean(c.ASK_DURATION, missed, by, HOUR)}) / ({mean(c.ASK_DURATION, missed, by, DAY)})"
    return f"{ratio} and on ({', '.join(by)}) ({answers_in(HOUR, missed, by)} >= {limits.quantiles.min_answers})"


def slowest_against_its_day(limits: Thresholds) -> str:
    """The one model that is furthest above its day."""
    return f"topk(1, {against_a_day(limits)})"


def stage_seconds_per_question(selector: str = ENVIRONMENT, window: str = SMOOTH) -> str:
    """Seconds of each stage in one question that was not a hit; they sum to its mean."""
    seconds = rate(c.STAGE_DURATION, selector, ("stage",), window, "_sum")
    misses = asks(f'{selector},cache!="hit"', (), window)
    return f"{seconds} / on () group_left () ({misses} > 0)"


def stage_growth(selector: str = ENVIRONMENT) -> str:
    """Seconds by which each stage of a question lately exceeds its mean of the day."""
    lately, usual = (stage_seconds_per_question(selector, window) for window in (LATELY, DAY))
    return f"({lately}) - ({usual})"


_NOT_FAILED = 'outcome!~"error|rejected"'


def _with_a_tier(limits: Thresholds, selector: str) -> str:
    tiers = "|".join(limits.slo.bound_s)
    return f'{selector},tier=~"{tiers}"'


def _within_bounds(limits: Thresholds, selector: str, by: Iterable[str], window: str, whole: str) -> str:
    """Answers per second that took no longer than their tier's bound; `whole` is where they are counted at all."""
    within = (
        rate(c.ASK_DURATION, f'{selector},tier="{tier}",le="{promql.bound(bound)}"', by, window, "_bucket")
        for tier, bound in limits.slo.bound_s.items()
    )
    return " + ".join(f"({one} or 0 * {whole})" for one in within)


# What Prometheus knows by itself


def up(selector: str = ENVIRONMENT) -> str:
    """1 for each target that was scraped."""
    return f"{foreign.UP}{{{selector}}}"


def firing(selector: str = ENVIRONMENT) -> str:
    """Alerts that fire now, but for the one that always does."""
    return f'{foreign.ALERTS}{{{selector},alertstate="firing",alertname!="Watchdog"}}'


def firing_count(selector: str = ENVIRONMENT) -> str:
    """How many; 0 when none."""
    return f"count({firing(selector)}) or vector(0)"


def deploys(selector: str = ENVIRONMENT, step: str = "15s") -> str:
    """A value at the moment a version is first seen. An info metric never changes: a new version is a new series."""
    seen = f"count by (version) ({c.BUILD_INFO.name}{{{selector}}}"
    return f"{seen}) unless {seen} offset {step})"


def model_loads(selector: str = ENVIRONMENT) -> str:
    """A value while a model's loads have just risen."""
    return f"{increase(c.MODEL_LOADS, selector, (MODEL,), '1m')} > 0"


def drills(selector: str = ENVIRONMENT) -> str:
    """A value while a drill runs."""
    return f"{foreign.DRILL}{{{selector}}}"


def checkpoints(selector: str = ENVIRONMENT) -> str:
    """A value when writers were just kept out for a checkpoint."""
    return f"{increase(c.CHECKPOINT_PAUSE, selector, (), '1m', suffix='_count')} > 0"


def restores(selector: str = ENVIRONMENT) -> str:
    """A value while a checkpoint is being restored, and a little after."""
    return f"{foreign.RESTORE}{{{selector}}}"


def rollouts(selector: str = ENVIRONMENT) -> str:
    """A value when `emini-rag deploy` or `rollback` has just exchanged the version, or decided to keep it."""
    return f"{foreign.DEPLOY}{{{selector}}}"


def foreign_rate(name: str, selector: str = ENVIRONMENT, by: Iterable[str] = (), window: str = SMOOTH) -> str:
    """Per second, of a counter that another program exposes."""
    return promql.rate(name, selector, window, by)


def foreign_increase(name: str, selector: str = ENVIRONMENT, by: Iterable[str] = (), window: str = LATELY) -> str:
    """How many in the window, of a counter that another program exposes."""
    return promql.increase(name, selector, window, by)


def foreign_gauge(name: str, selector: str = ENVIRONMENT, by: Iterable[str] = ()) -> str:
    """The present value of what another program exposes."""
    return f"sum{promql.clause(by)} ({name}{{{selector}}})"


def lost_spans(selector: str = ENVIRONMENT, window: str = LATELY) -> str:
    """Spans that ended and were neither delivered nor are still queued: lost on the way out of the service."""
    return increase(c.TRACE_SPANS, f'{selector},result="failed"', (), window)


def budget_left(limits: Thresholds, selector: str = ENVIRONMENT) -> str:
    """Share of the error budget of the range that is still there."""
    return f"1 - ({burn_rate(limits, '$__range', selector)})"


def until_unloaded(selector: str = ENVIRONMENT) -> str:
    """Seconds until Ollama unloads a model."""
    return f"max by ({MODEL}) ({c.OLLAMA_EXPIRES.name}{{{selector}}}) - time() > 0"


def firing_since(selector: str = ENVIRONMENT) -> str:
    """Seconds since the condition of each alert that fires began to hold. The two have the same labels but for one,
    whatever labels an alert has."""
    return f"{firing(selector)} * ignoring (alertstate) (time() - {foreign.ALERTS_SINCE}{{{selector}}})"


def alert_states(selector: str = ENVIRONMENT) -> str:
    """2 while an alert fires, 1 while it waits to; a row that says so when there is none, which a band needs to be drawn."""
    waits = f'{foreign.ALERTS}{{{selector},alertstate="pending",alertname!="Watchdog"}}'
    none = 'label_replace(vector(0), "alertname", "no alert", "", "")'
    return f"max by (alertname, {MODEL}) ({firing(selector)} * 2 or {waits}) or on () {none}"


def down(selector: str = ENVIRONMENT) -> str:
    """Targets that could not be scraped; 0 when all could."""
    return f"count({up(selector)} == 0) or vector(0)"


def bucket_counts(selector: str, window: str = SMOOTH) -> str:
    """Answers in each bucket, for a heat map. The lowest buckets fall into the lowest that is left."""
    return increase(c.ASK_DURATION, f'{selector},le!~"0[.]0.*"', ("le",), window, "_bucket")


def per_call(metric: Metric, selector: str, by: Iterable[str], calls: str) -> str:
    """Seconds of each part in one call; the parts sum to the whole."""
    return f"{rate(metric, selector, by, suffix='_sum')} / on () group_left () ({calls} > 0)"
