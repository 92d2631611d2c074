"""Who is slower of two that run at the same time: a new version beside others, development beside production.

Both are compared within one window, so nothing that changes for all at once can be blamed on one. What is compared is
the mean logarithm of an answer's time, read from the buckets: each bound that an answer is beyond is one doubling. A
few long answers hardly move it, and it uses what every bucket knows, where a share beyond one bound uses only that.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from math import log2

from prometheus import traces
from prometheus.promql import any_of, bound, increase, matching
from prometheus.regression import ANSWERED
from prometheus.rule import ENVIRONMENT, INFO, MODEL, TICKET, Alert, Group, Recording, label, looked_up, recorded, value
from prometheus.thresholds import Thresholds
from service.telemetry.catalogue import ASK_DURATION, BUILD_INFO, CONSTANT_LABELS

VERSION = next(name for name in CONSTANT_LABELS if name != ENVIRONMENT)
BESIDE, ABOVE = "development", "production"
_KEYS = (ENVIRONMENT, MODEL)
_OF_VERSION = (*_KEYS, VERSION)


def count(window: str) -> str:
    """How many answers of a version."""
    return f"environment_model_version:{ASK_DURATION.name}:count_{window}"


def beyond(window: str) -> str:
    """How many of them took longer than each bound."""
    return f"environment_model_version_le:{ASK_DURATION.name}:beyond_{window}"


def doublings(window: str) -> str:
    """Doublings of all of them together."""
    return f"environment_model_version:{ASK_DURATION.name}:doublings_{window}"


def squares(window: str) -> str:
    """Squared doublings of all of them together, from which their variance follows."""
    return f"environment_model_version:{ASK_DURATION.name}:squared_doublings_{window}"


def seen(limits: Thresholds) -> str:
    """For how many evaluations a version has been there: the newest has the fewest."""
    return f"environment_model_version:{ASK_DURATION.name}:seen_{limits.normal.baseline}"


def slower(of: str, window: str) -> str:
    """By how many doublings longer one takes than the others."""
    return f"{of}:{ASK_DURATION.name}:slower_{window}"


def slower_z(of: str, window: str) -> str:
    """How many standard errors that is above 0."""
    return f"{of}:{ASK_DURATION.name}:slower_z_{window}"


def group(limits: Thresholds) -> Group:
    """What is counted per version, what is compared, and the alerts."""
    of_version, of_environment = _Compared.versions(), _Compared.environments()
    return Group(
        "versions",
        [
            *_counted(limits),
            *of_version.recorded(limits),
            *of_environment.recorded(limits),
            _slower_version(limits, of_version),
            _slower_environment(limits, of_environment),
        ],
        limits.normal.every,
    )


def _counted(limits: Thresholds) -> list[Recording]:
    window, bounds = limits.comparison.window, sorted(limits.regression.bounds_s)
    every = increase(ASK_DURATION, ANSWERED, window, _OF_VERSION, "_count")
    buckets = any_of(bound(one) for one in bounds)
    within = increase(ASK_DURATION, f'{ANSWERED},le=~"{buckets}"', window, (*_OF_VERSION, "le"), "_bucket")
    # From a bound to the next it is one doubling where bounds double.
    steps = [1.0, *(log2(upper / lower) for lower, upper in pairwise(bounds))]
    reached = list(accumulate(steps))
    squared = [1.0, *(upper**2 - lower**2 for lower, upper in pairwise(reached))]
    n = count(window)
    return [
        Recording(n, every),
        Recording(beyond(window), f"-({within} - {matching(_OF_VERSION)} group_left () {every})"),
        Recording(doublings(window), _summed(beyond(window), bounds, steps)),
        Recording(squares(window), _summed(beyond(window), bounds, squared)),
        Recording(seen(limits), f"count_over_time({n}[{limits.normal.baseline}]) and {n}"),
    ]


def _summed(x: str, bounds: Sequence[float], factors: Sequence[float]) -> str:
    """Answers beyond each bound, each bound with its factor."""
    terms = (f'{factor:g} * {x}{{le="{bound(one)}"}}' for one, factor in zip(bounds, factors, strict=True))
    return f" + {matching(_OF_VERSION)} ".join(terms)


@dataclass(frozen=True)
class _Compared:
    """One against others: where the recorded sums of each are found, `%s` being the name of a sum."""

    of: str
    labels: Sequence[str]
    own: str
    others: str

    @classmethod
    def versions(cls) -> "_Compared":
        """A version against all others of its environment."""
        all_but_own = f"(sum by ({', '.join(_KEYS)}) (%s) - {matching(_KEYS)} group_right () %s)"
        return cls("environment_model_version", _OF_VERSION, "%s", all_but_own)

    @classmethod
    def environments(cls) -> "_Compared":
        """Development against production."""
        own, above = (
            f'sum by ({", ".join(_KEYS)}) (%s{{{ENVIRONMENT}="{environment}"}})' for environment in (BESIDE, ABOVE)
        )
        return cls("environment_model", _KEYS, own, f'label_replace({above}, "{ENVIRONMENT}", "{BESIDE}", "", "")')

    def recorded(self, limits: Thresholds) -> list[Recording]:
        """The difference of the means, and how certain it is. The error is that of two samples from one and the same
        distribution: its variance is that of all answers together."""
        window, on = limits.comparison.window, matching(self.labels)
        names = (count(window), doublings(window), squares(window))
        (n, d, _), (others_n, others_d, _) = ([where(name) for name in names] for where in (self._own, self._others))
        both, all_d, all_q = (f"({self._own(name)} + {on} {self._others(name)})" for name in names)
        variance = f"({all_q} / {on} {both} - {on} ({all_d} / {on} {both}) ^ 2)"
        # n1 * n2 / (n1 + n2): how much the two samples say together.
        weight = f"({n} * {on} {others_n} / {on} {both})"
        enough = " and ".join(f"{on} ({one} >= {limits.comparison.min_answers})" for one in (n, others_n))
        more = slower(self.of, window)
        return [
            Recording(more, f"{d} / {on} {n} - {on} {others_d} / {on} {others_n} and {enough}"),
            Recording(slower_z(self.of, window), f"{more} / {on} sqrt({variance} / {on} {weight})"),
        ]

    def certain(self, limits: Thresholds) -> str:
        """How many times as long it takes, where that is certain."""
        bounds = limits.comparison
        more, z = (name(self.of, bounds.window) for name in (slower, slower_z))
        return f"2 ^ {more} > {bounds.factor:g} and {matching(self.labels)} ({z} > {bounds.z:g})"

    def _own(self, name: str) -> str:
        return self.own.replace("%s", name)

    def _others(self, name: str) -> str:
        return self.others.replace("%s", name)


def _slower_version(limits: Thresholds, compared: _Compared) -> Alert:
    """Only the newest that runs: that an old version is slower than its successor is good news."""
    window, of_all = limits.comparison.window, matching(_KEYS)
    runs = f"count by ({ENVIRONMENT}, {VERSION}) ({BUILD_INFO.name})"
    fewest = f"min by ({', '.join(_KEYS)}) ({seen(limits)})"
    newest = f"{seen(limits)} <= {of_all} group_left () {fewest}"
    n = count(window)
    return Alert(
        "RagVersionSlower",
        f"{compared.certain(limits)} and {matching(_OF_VERSION)} ({newest}) and "
        f"{matching((ENVIRONMENT, VERSION))} {runs}",
        TICKET,
        f"Version {label(VERSION)} takes {value()} times as long as others with {label(MODEL)}",
        f"Geometric mean of the same {window}, from buckets: {recorded(n, _OF_VERSION)} of "
        f"{looked_up(f'sum({n}{{%s}})', _KEYS)} answers are its own. It is "
        f"{recorded(slower_z(compared.of, window), _OF_VERSION)} standard errors above the others; it fires "
        f"above {limits.comparison.z:g}.",
        limits.comparison.for_,
        dashboard="model",
        variables={"environment": ENVIRONMENT, "model": MODEL},
        traces=traces.questions(
            f'resource.{CONSTANT_LABELS[VERSION]} = "{label(VERSION)}" && {traces.of_model(MODEL)} && '
            f"duration > {limits.slow.default_s:g}s"
        ),
    )


def _slower_environment(limits: Thresholds, compared: _Compared) -> Alert:
    """Where one Prometheus sees both."""
    window = limits.comparison.window
    n = count(window)
    of_above = looked_up(f'sum({n}{{{ENVIRONMENT}="{ABOVE}",%s}})', (MODEL,))
    return Alert(
        "RagEnvironmentSlower",
        compared.certain(limits),
        INFO,
        f"{label(MODEL)} takes {value()} times as long in {label(ENVIRONMENT)} as in {ABOVE}",
        f"Geometric mean of the same {window}, from buckets: {looked_up(f'sum({n}{{%s}})', _KEYS)} answers against "
        f"{of_above}.",
        limits.comparison.for_,
        dashboard="environments",
        variables={},
        traces=traces.questions(f"{traces.of_model(MODEL)} && duration > {limits.slow.default_s:g}s"),
    )
