"""PromQL in the forms that rules and dashboards share."""

from collections.abc import Iterable

from prometheus.foreign import UP
from service.telemetry.metric import Metric


def rate(metric: Metric | str, selector: str, window: str, by: Iterable[str] = (), suffix: str = "") -> str:
    """Per second, summed by labels; of a metric of ours or of the name of another program's."""
    return f"sum{clause(by)} (rate({_name(metric)}{suffix}{{{selector}}}[{window}]))"


def increase(metric: Metric | str, selector: str, window: str, by: Iterable[str] = (), suffix: str = "") -> str:
    """How many in the window, summed by labels."""
    return f"sum{clause(by)} (increase({_name(metric)}{suffix}{{{selector}}}[{window}]))"


def rise(name: str, selector: str, window: str, by: Iterable[str]) -> str:
    """How many in the window, of a counter that is not there before its first event: `increase` does not see the value
    a series is born with. Born is what fewer scrapes showed than succeeded; its value counts where it is more than the
    increase, which a restart may hide. After a gap in the scrapes both are equally few, and nothing is born."""
    series = f"{name}{{{selector}}}" if selector else name
    risen = f"increase({series}[{window}])"
    scrapes = f"max by (job, instance) (sum_over_time({UP}[{window}]))"
    born = f"({series} and count_over_time({series}[{window}]) < on (job, instance) group_left () {scrapes})"
    return f"sum{clause(by)} ({born} > {risen} or {risen} or {born})"


def mean(metric: Metric, selector: str, window: str, by: Iterable[str] = ()) -> str:
    """Mean of a histogram; absent without values. The `> 0` keeps 0/0 out: one such value spoils a week's average."""
    by = tuple(by)
    total, count = (rate(metric, selector, window, by, suffix) for suffix in ("_sum", "_count"))
    return f"{total} / ({count} > 0)"


def share(part: str, whole: str) -> str:
    """A ratio that is 0 while nothing of `part` happened, and absent while nothing happened at all."""
    return f"(({part}) or 0 * ({whole})) / (({whole}) > 0)"


def clause(labels: Iterable[str]) -> str:
    """` by (a, b)`, or nothing."""
    labels = tuple(labels)
    return f" by ({', '.join(labels)})" if labels else ""


def matching(labels: Iterable[str]) -> str:
    """`on (a, b)`."""
    return f"on ({', '.join(labels)})"


def bound(value: float) -> str:
    """A bucket's bound as the exposition writes it: always with a point."""
    return repr(float(value))


def any_of(values: Iterable[str]) -> str:
    """Values as one alternative of a regular expression."""
    return "|".join(value.replace(".", "[.]") for value in values)


def _name(metric: Metric | str) -> str:
    return metric if isinstance(metric, str) else metric.name
