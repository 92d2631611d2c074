"""Whether a model is slower than it was.

Two values are followed per model, over a short and a long window, of answers that a loaded model made (no hits, no cold
starts): the share of answers beyond each of nine buckets, and the mean. They are two witnesses, and both must be far
outside their own usual spread: a few answers of minutes lift a mean for hours and are no share, and where few answers
are beyond a bucket, chance soon makes it many more. A share that is further out still is enough alone: where times swing
within a day, a mean has seen it all before. A scan over buckets needs no bound per model, and finds a slow tail. And the
mean must be clearly higher: with much traffic even a shift of 5 % is certain, and no matter. docs/alert-quality.md has
it measured, beside other rules.
"""

from prometheus import traces
from prometheus.normal import Followed, at_least_chance, not_rare
from prometheus.promql import any_of, bound, increase, matching, mean, rate
from prometheus.rule import ENVIRONMENT, MODEL, TICKET, Alert, Group, Recording, label, recorded, value
from prometheus.thresholds import Regression, Thresholds
from service.telemetry.catalogue import ASK_DURATION

ANSWERED = f'cache!="hit",start="warm",outcome=~"ok|degraded",{MODEL}!~"none|other"'
_KEYS = (ENVIRONMENT, MODEL)
_LE = (*_KEYS, "le")
_ON = matching(_KEYS)


def mean_of(window: str) -> Followed:
    """Mean seconds of an answer."""
    return Followed(f"environment_model:{ASK_DURATION.name}:mean_{window}", _KEYS, window, count_of(window))


def over_of(window: str) -> Followed:
    """Share of answers beyond each bound."""
    return Followed(f"environment_model_le:{ASK_DURATION.name}:over_{window}", _LE, window)


def count_of(window: str) -> str:
    """How many answers."""
    return f"environment_model:{ASK_DURATION.name}:count_{window}"


def z_mean(window: str) -> str:
    """How unusual the mean is."""
    return f"environment_model:{ASK_DURATION.name}:z_mean_{window}"


def z_over(window: str) -> str:
    """How unusual the most unusual share is."""
    return f"environment_model:{ASK_DURATION.name}:z_over_{window}"


def baselines(limits: Thresholds) -> Group:
    """What is usual; seldom, because it looks at a week."""
    rules: list[Recording] = []
    for window in limits.regression.windows:
        followed = mean_of(window)
        rules += [*followed.baseline(limits), followed.counted(limits)]
        rules += [one for one in over_of(window).baseline(limits) if ":points_" not in one.name]
    return Group("regression baselines", rules, limits.normal.baseline_every)


def present(limits: Thresholds) -> Group:
    """The values, how unusual they are, and the alert."""
    rules: list[Recording | Alert] = []
    for window in limits.regression.windows:
        rules += [
            Recording(mean_of(window).name, mean(ASK_DURATION, ANSWERED, window, _KEYS)),
            Recording(count_of(window), increase(ASK_DURATION, ANSWERED, window, _KEYS, "_count")),
            Recording(over_of(window).name, _over(limits.regression, window)),
            Recording(z_mean(window), mean_of(window).z(limits)),
            Recording(z_over(window), _z_over(limits, window)),
        ]
    return Group("regression", [*rules, _alert(limits)], limits.normal.every)


def _over(bounds: Regression, window: str) -> str:
    buckets = any_of(bound(one) for one in bounds.bounds_s)
    within = rate(ASK_DURATION, f'{ANSWERED},le=~"{buckets}"', window, _LE, "_bucket")
    every = rate(ASK_DURATION, ANSWERED, window, _KEYS, "_count")
    return f"1 - {within} / {_ON} group_left () ({every} > 0)"


def _z_over(limits: Thresholds, window: str) -> str:
    """One answer less than there were is counted: among few, one more by chance is a large share."""
    followed, on = over_of(window), matching(_LE)
    usual, count = followed.usual("median", limits), f"{_ON} group_left () {count_of(window)}"
    spread = at_least_chance(followed.usual("spread", limits), not_rare(usual), count, _LE)
    one_less = f"({followed.name} - {_ON} group_left () 1 / {count_of(window)})"
    return f"max by ({', '.join(_KEYS)}) (({one_less} - {on} {usual}) / {on} {spread})"


def _alert(limits: Thresholds) -> Alert:
    windows = limits.regression.windows
    return Alert(
        "RagModelLatencyRegression",
        " or ".join(_slower(limits, window) for window in windows),
        TICKET,
        f"{label(MODEL)} takes {value()} times its usual time",
        f"Answers that a loaded model made: {'; '.join(_told(limits, window) for window in windows)}. "
        f"It fires when over a window both are above {limits.regression.z:g} spreads, or the share above "
        f"{limits.regression.z_alone:g}, and the mean is more than {limits.regression.factor:g} times its usual.",
        limits.regression.for_,
        limits.regression.keep,
        "model",
        {"environment": ENVIRONMENT, "model": MODEL},
        traces.questions(f"{traces.of_model(MODEL)} && duration > {limits.slow.default_s:g}s"),
    )


def _told(limits: Thresholds, window: str) -> str:
    """What is known of a window: only one of them may be unusual."""
    followed = mean_of(window)
    return (
        f"over {window} a mean of {recorded(followed.name, _KEYS, 'humanizeDuration')} "
        f"(n = {recorded(count_of(window), _KEYS)}, usual within {limits.normal.baseline} "
        f"{followed.told(limits, 'humanizeDuration')}), {recorded(z_mean(window), _KEYS)} spreads above usual, and the "
        f"share beyond a bucket {recorded(z_over(window), _KEYS)}"
    )


def _slower(limits: Thresholds, window: str) -> str:
    """How many times its usual time a model takes, where that is certain."""
    bounds = limits.regression
    both = f"{z_over(window)} > {bounds.z:g} and {_ON} {z_mean(window)} > {bounds.z:g}"
    unusual = f"{both} or {_ON} {z_over(window)} > {bounds.z_alone:g}"
    enough = f"{count_of(window)} >= {bounds.min_answers}"
    known = mean_of(window).known(limits)
    return f"({_ratio(limits, window)}) and {_ON} ({unusual}) and {_ON} ({enough}) and {_ON} ({known})"


def _ratio(limits: Thresholds, window: str) -> str:
    """The mean over the usual one, where it is beyond the model's factor."""
    own, followed = limits.regression.factor_of, mean_of(window)
    others = f'{MODEL}!~"{any_of(own)}"' if own else ""
    factors = [*((f'{MODEL}="{model}"', factor) for model, factor in own.items()), (others, limits.regression.factor)]
    usual = f"{_ON} {followed.usual('median', limits)}"
    return " or ".join(f"{followed.name}{{{which}}} / {usual} > {factor:g}" for which, factor in factors)
