"""The rules that are measured side by side, each on the same answers."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from prometheus.thresholds import Thresholds
from tests.rules.drawn import Binned, Whole
from tests.rules.simulation import earlier
from tests.rules.simulation.alerting import Flags
from tests.rules.simulation.others import P95_FACTOR, P95_FOR, P95_WINDOW, TIER, burning, p95_ratio
from tests.rules.simulation.regression import History
from tests.rules.simulation.windows import minutes

OURS, EITHER, P95, PAGE, TICKET = "ours", "either", "p95", "page", "ticket"
Fired = tuple[str, Whole, Flags]


@dataclass(frozen=True)
class Told:
    """A rule's name in tables, and what it is."""

    short: str
    long: str


def told(limits: Thresholds) -> Mapping[str, Told]:
    """In the order of the tables."""
    bounds, burn = limits.regression, limits.burn
    pairs = {
        name: " or ".join(f"{pair.factor:g} x over {pair.long} and {pair.short}" for pair in given)
        for name, given in ((PAGE, burn.page), (TICKET, burn.ticket))
    }
    bound = f"{limits.slo.target:.0%} of the answers within {limits.slo.bound_s[TIER]:g} s"
    return {
        OURS: Told(
            "shipped",
            f"`RagModelLatencyRegression` as it is shipped: over {' or '.join(bounds.windows)} a share of answers "
            f"beyond a bucket and the mean are more than {bounds.z:g} of their spreads above their medians of "
            f"{limits.normal.baseline}, or a share alone more than {bounds.z_alone:g}; the mean is more than "
            f"{bounds.factor:g} times its median; at least {bounds.min_answers} answers; for {bounds.for_}",
        ),
        EITHER: Told(
            "its first form",
            f"over {' or '.join(earlier.WINDOWS)} the mean or a share, either is enough, more than {earlier.Z:g} "
            f"spreads above; the mean more than {earlier.FACTOR:g} times its own; for {earlier.FOR}",
        ),
        P95: Told(
            "p95 ratio",
            f"the usual first attempt: `p95[{P95_WINDOW}m] > {P95_FACTOR:g} * p95[{P95_WINDOW}m] offset 1d`, for "
            f"{P95_FOR}m",
        ),
        PAGE: Told("objective, page", f"{bound}, the budget used {pairs[PAGE]}"),
        TICKET: Told("objective, ticket", f"the same, used {pairs[TICKET]}"),
    }


def ours(answers: Binned, limits: Thresholds, since: int) -> Iterator[Fired]:
    """The shipped rule alone."""
    history = History(answers, limits, since)
    yield OURS, history.at, history.firing(limits)


def watched(answers: Binned, limits: Thresholds, since: int) -> Iterator[Fired]:
    """Name, minutes of evaluation, where it fires; those with baselines only from minute `since` on. An alert that
    comes back within the time that ours is kept firing is one alert for all of them."""
    history = History(answers, limits, since)
    yield OURS, history.at, history.firing(limits)
    yield EITHER, history.at, earlier.either(history, limits)
    yield P95, *p95_ratio(answers, limits)
    keep = minutes(limits.regression.keep)
    for severity in (PAGE, TICKET):
        yield severity, *burning(answers, limits, severity, keep=keep)
