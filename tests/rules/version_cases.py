"""Cases of a version that is slower than others, and of development beside production."""

from collections.abc import Mapping, Sequence

from prometheus import versions
from prometheus.thresholds import of_environment
from tests.rules.case import ENVIRONMENT, PRODUCTION, Case, Firing, Recorded, named
from tests.rules.counters import grows, stays
from tests.rules.drawn import Change
from tests.rules.traffic import Load, Phase, Scraped, scraped

LIMITS = of_environment("production")
VERSION, BESIDE = "RagVersionSlower", "RagEnvironmentSlower"
# Two deploys of one release.
OLD, NEW, DEVELOPMENT = "0.1.0+4ea9180af9e4", "0.1.0+1a6601db6573", "development"
BUCKETS = LIMITS.regression.bounds_s
SMALL, LARGE = "llama3.2:3b", "qwen2.5-coder:14b"
# The minute at which the new version comes.
CAME = 60


def load(model: str, version: str, times: float = 1, per_minute: float = 2, **labels: str) -> Load:
    """Answers of a version, `times` as long as usual."""
    slower = [Phase(Change("slower", times), 0)] if times != 1 else []
    median_s = {SMALL: 1.7, LARGE: 4.4}.get(model, 3.0)
    return Load(model, per_minute, median_s, phases=slower, labels={"service_version": version, **labels})


def lived(loads: Sequence[Load], minutes: int, since: int = 0, until: int | None = None, seed: int = 1) -> Scraped:
    """Loads of a process that lived from one minute to another."""
    made = scraped(loads, minutes, seed=seed, buckets=BUCKETS)
    if since:
        made = made.reset(since).gap(0, since)
    return made if until is None else made.gap(until, minutes + 1)


def build(version: str, since: int = 0, until: int = 600, environment: str = "production") -> dict[str, str]:
    """What says that a version runs."""
    series = named("rag_build_info", deployment_environment_name=environment, service_version=version)
    return {series: (f"_x{since} " if since else "") + stays(1, until - since)}


def case(
    name: str,
    parts: Sequence[Scraped],
    builds: Sequence[Mapping[str, str]],
    expected: Sequence[Firing],
    recorded: Sequence[Recorded] = (),
) -> Case:
    """Evaluated as often as the group says."""
    series = {name: values for part in parts for name, values in part.text().items()}
    for one in builds:
        series |= one
    return Case(name, ("change.yml",), series, expected, recorded=recorded, evaluated=LIMITS.normal.every)


def silent(*minutes: int, alerts: Sequence[str] = (VERSION, BESIDE)) -> list[Firing]:
    return [Firing(f"{minute}m", alert) for alert in alerts for minute in minutes]


def fires(*minutes: int, models: Sequence[str] = (LARGE,), version: str = NEW) -> list[Firing]:
    labels = [{**PRODUCTION, "gen_ai_request_model": model, "service_version": version} for model in models]
    return [Firing(f"{minute}m", VERSION, labels) for minute in minutes]


def beside(*minutes: int, models: Sequence[str] = (LARGE,)) -> list[Firing]:
    labels = [{ENVIRONMENT: DEVELOPMENT, "gen_ai_request_model": model} for model in models]
    return [Firing(f"{minute}m", BESIDE, labels, "info") for minute in minutes]


_BOTH_RUN = (build(OLD), build(NEW, CAME))
_OLDS = lived([load(LARGE, OLD), load(SMALL, OLD)], 240)
# 50 answers are there after 25 minutes, and half as long again is certain; ten minutes later it is told.
slower = case(
    "one model answers half as slowly again in the new version",
    [_OLDS, lived([load(LARGE, NEW, 1.5), load(SMALL, NEW)], 240, CAME, seed=2)],
    _BOTH_RUN,
    [*silent(60, 80, 95), *silent(180, alerts=(BESIDE,)), *fires(100, 180, 240)],
)
_OLD = lived([load(LARGE, OLD)], 240)
as_before = case(
    "a new version that is as quick",
    [_OLDS, lived([load(LARGE, NEW), load(SMALL, NEW)], 240, CAME, seed=3)],
    _BOTH_RUN,
    silent(*range(65, 241, 5)),
)
replaced = case(
    "a version that took over, twice as slow",
    [lived([load(LARGE, OLD)], 240, until=121), lived([load(LARGE, NEW, 2)], 240, 121, seed=4)],
    (build(OLD, 0, 121), build(NEW, 121)),
    # The comparison ends when the window has too few answers of the old version left.
    [*silent(120, 140), *fires(180, 200), *silent(215, 235)],
)
old_was_slower = case(
    "an old version beside a quicker new one",
    [lived([load(LARGE, OLD, 1.5)], 240), lived([load(LARGE, NEW)], 240, CAME, seed=2)],
    _BOTH_RUN,
    silent(90, 120, 150, 180, 240),
)
taken_back = case(
    "a slow version that was stopped",
    [_OLD, lived([load(LARGE, NEW, 2)], 240, CAME, 151, seed=2)],
    (build(OLD), build(NEW, CAME, 151)),
    [*fires(150), *silent(160, 180, 240)],
)
few_of_new = case(
    "40 answers of the new version, four times as long",
    [_OLD, lived([load(LARGE, NEW, 4, per_minute=0.3)], 240, CAME, seed=2)],
    _BOTH_RUN,
    silent(150, 180, 240),
)
few_of_old = case(
    "40 answers of the old version, the new four times as long",
    [lived([load(LARGE, OLD, per_minute=0.3)], 240), lived([load(LARGE, NEW, 4)], 240, CAME, seed=2)],
    _BOTH_RUN,
    silent(150, 180, 240),
)
_MANY = [f"model-{number}" for number in range(4)]
uncertain = case(
    "four models of which 60 answers say little",
    [
        lived([load(model, OLD, per_minute=0.5) for model in _MANY], 300, seed=31),
        lived([load(model, NEW, per_minute=0.5) for model in _MANY], 300, CAME, seed=30),
    ],
    _BOTH_RUN,
    silent(*range(120, 300, 10)),
)
trivial = case(
    "a twelfth longer is certain with 60 answers a minute, but no matter",
    [lived([load(LARGE, OLD, per_minute=60)], 180), lived([load(LARGE, NEW, 1.08, 60)], 180, CAME, seed=2)],
    _BOTH_RUN,
    silent(90, 120, 150, 180),
)
_OTHERS = {"start": "cold", "cache": "hit", "outcome": "error"}
cold = case(
    "a new version whose answers wait for their model, or come from the cache, or fail",
    [
        _OLD,
        lived([load(LARGE, NEW)], 240, CAME, seed=3),
        lived([load(LARGE, NEW, 9, **{name: value}) for name, value in _OTHERS.items()], 240, CAME, seed=5),
    ],
    _BOTH_RUN,
    silent(120, 180, 240),
)


def exact(seconds: float, version: str, **labels: str) -> dict[str, str]:
    """Two answers a minute, all of the same length."""
    of = {**load(LARGE, version).named(), **labels}
    made = {named("rag_ask_duration_seconds_count", **of): grows((2, 240))}
    for bound in BUCKETS:
        name = named("rag_ask_duration_seconds_bucket", **of, le=repr(float(bound)))
        made[name] = grows((2 if seconds <= bound else 0, 240))
    return made


_KEYS = {**PRODUCTION, "gen_ai_request_model": LARGE}
_BY_HAND = {**_KEYS, "service_version": NEW}
# 2 s are beyond three bounds, 4 s beyond four: one doubling more. Of all 480 answers together the mean is 3.5 and the
# variance 0.25, so the error is sqrt(0.25 / (240 * 240 / 480)).
by_hand = case(
    "numbers that can be checked by hand",
    [],
    [exact(2, OLD), exact(4, NEW), build(OLD), build(NEW)],
    fires(240),
    [
        Recorded("4h", f'round({name}{{service_version="{NEW}"}}, 0.0001)', {named("", **_BY_HAND): value})
        for name, value in (
            (versions.count("2h"), 240),
            (versions.doublings("2h"), 960),
            (versions.squares("2h"), 240 * 16),
            (versions.slower("environment_model_version", "2h"), 1),
            (versions.slower_z("environment_model_version", "2h"), 21.9089),
        )
    ],
)

_IN_DEVELOPMENT = {ENVIRONMENT: DEVELOPMENT}
_DEVELOPED = lived([load(LARGE, NEW, 2, **_IN_DEVELOPMENT), load(SMALL, NEW, **_IN_DEVELOPMENT)], 240, seed=7)
_BUILDS = (build(OLD), build(NEW, environment=DEVELOPMENT))
developed = case(
    "development beside production: one model is slower",
    [_OLDS, _DEVELOPED],
    _BUILDS,
    [*silent(20), *silent(60, 240, alerts=(VERSION,)), *silent(35, alerts=(BESIDE,)), *beside(40, 120, 240)],
)
developed_by_hand = case(
    "the same numbers by hand, in development",
    [],
    [exact(2, OLD), exact(4, NEW, **_IN_DEVELOPMENT), *_BUILDS],
    beside(240),
    [
        Recorded("4h", f"round({name}, 0.0001)", {named("", **{**_KEYS, **_IN_DEVELOPMENT}): value})
        for name, value in (
            (versions.slower("environment_model", "2h"), 1),
            (versions.slower_z("environment_model", "2h"), 21.9089),
        )
    ],
)
quicker = case(
    "development that is quicker than production",
    [lived([load(LARGE, OLD, 2), load(SMALL, OLD)], 240), lived([load(LARGE, NEW, **_IN_DEVELOPMENT)], 240, seed=7)],
    _BUILDS,
    silent(60, 120, 240),
)
alone = case("development alone", [_DEVELOPED], _BUILDS[1:], silent(60, 120, 240))
few_developed = case(
    "40 answers in development, four times as long",
    [_OLD, lived([load(LARGE, NEW, 4, per_minute=0.3, **_IN_DEVELOPMENT)], 240, seed=7)],
    _BUILDS,
    silent(60, 120, 240),
)
few_in_production = case(
    "40 answers in production, those of development four times as long",
    [lived([load(LARGE, OLD, per_minute=0.3)], 240), lived([load(LARGE, NEW, 4, **_IN_DEVELOPMENT)], 240, seed=7)],
    _BUILDS,
    silent(60, 120, 240),
)
trivially_developed = case(
    "a twelfth longer in development",
    [
        lived([load(LARGE, OLD, per_minute=60)], 180),
        lived([load(LARGE, NEW, 1.08, 60, **_IN_DEVELOPMENT)], 180, seed=7),
    ],
    _BUILDS,
    silent(60, 120, 180),
)
uncertainly_developed = case(
    "four models of which 60 answers say little, in development",
    [
        lived([load(model, OLD, per_minute=0.5) for model in _MANY], 300),
        lived([load(model, NEW, per_minute=0.5, **_IN_DEVELOPMENT) for model in _MANY], 300, seed=31),
    ],
    _BUILDS,
    silent(*range(120, 300, 10)),
)

_FLEET = [f"model-{number}" for number in range(12)]
# Twelve models for ten hours are five days without a change.
FLEET_AS_BEFORE = case(
    "twelve models, as quick as before, in two versions at the same time",
    [
        lived([load(model, OLD) for model in _FLEET], 600, seed=21),
        lived([load(model, NEW) for model in _FLEET], 600, CAME, seed=22),
    ],
    _BOTH_RUN,
    silent(*range(65, 600, 5), alerts=(VERSION,)),
)
FLEET_REPLACED = case(
    "twelve models, as quick as before, in a version that took over",
    [
        lived([load(model, OLD) for model in _FLEET], 300, until=151, seed=23),
        lived([load(model, NEW) for model in _FLEET], 300, 151, seed=24),
    ],
    (build(OLD, 0, 151), build(NEW, 151)),
    silent(*range(155, 300, 5), alerts=(VERSION,)),
)
FLEET_SLOWER = case(
    "twelve models, each half as slow again, two answers a minute: all are found within three hours",
    [
        lived([load(model, OLD) for model in _FLEET], 240, seed=25),
        lived([load(model, NEW, 1.5) for model in _FLEET], 240, CAME, seed=26),
    ],
    _BOTH_RUN,
    fires(240, models=_FLEET),
)

_FLEETS = (FLEET_AS_BEFORE, FLEET_REPLACED, FLEET_SLOWER)
CASES = tuple(one for one in tuple(globals().values()) if isinstance(one, Case) and one not in _FLEETS)
