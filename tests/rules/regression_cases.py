"""Cases of `RagModelLatencyRegression` that take hours, not weeks: what is usual is put in as given (`usual.py`)."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from prometheus.thresholds import load, of_environment
from tests.rules.case import PRODUCTION, Case, Firing, Recorded, named
from tests.rules.drawn import Change
from tests.rules.traffic import SCENARIO, Load, Phase, Scraped, scraped
from tests.rules.usual import Usual

ALERT = "RagModelLatencyRegression"
LIMITS = of_environment("production")
FILE = "regression.yml"
QUICK, LARGE = "llama3.2:3b", "gpt-oss:20b"
CHANGED = 60  # the minute at which a model becomes slower, if nothing else is said
TWICE, HALF, TAIL = Change("+100 %", 2.0), Change("+50 %", 1.5), Change("tail", 4.0, share=0.1)


def silent(*minutes: int) -> list[Firing]:
    """Nothing fires at these minutes."""
    return [Firing(f"{minute}m", ALERT) for minute in minutes]


def fires(*minutes: int, models: Sequence[str] = (LARGE,)) -> list[Firing]:
    """These models fire, and no other, at these minutes."""
    labels = [{**PRODUCTION, "gen_ai_request_model": model} for model in models]
    return [Firing(f"{minute}m", ALERT, labels) for minute in minutes]


def slower(change: Change, *, model: str = LARGE, per_minute: float = 10, since: int = CHANGED, **more: object) -> Load:
    """A load that becomes slower."""
    return Load(model, per_minute, phases=[Phase(change, since)], **more)  # type: ignore[arg-type]


def case(
    name: str,
    loads: Sequence[Load],
    usual: Iterable[Usual],
    minutes: int,
    expected: Sequence[Firing],
    *,
    seed: int = 1,
    then: Callable[[Scraped], Scraped] = lambda scraped: scraped,
    recorded: Sequence[Recorded] = (),
) -> Case:
    """Loads, scraped each minute, beside what is usual for them."""
    series = then(scraped(loads, minutes, seed=seed)).text()
    for one in usual:
        series |= one.series(LIMITS, minutes)
    return Case(name, [FILE], series, expected, recorded=recorded, evaluated="5m")


def one(name: str, what: Load, usual: Usual, expected: Sequence[Firing], minutes: int = 150, seed: int = 1) -> Case:
    """A single model."""
    return case(name, [what], [usual], minutes, expected, seed=seed)


def _noise() -> Iterable[Case]:
    """Nothing happens, at every rate; then with everything that disturbs without being wrong."""
    for rate in (2, 10, 60):
        loads = [Load(QUICK, rate), Load(LARGE, rate, median_s=6)]
        at = range(30, 361, 30)
        yield case(f"chance at {rate} per minute", loads, map(Usual, loads), 360, silent(*at), seed=rate)
    restless = Load(LARGE, 10, scenario=SCENARIO["all"])
    usual = Usual(restless, mean_spread=0.11, over_spread=0.06)
    yield one("wandering, with a daily cycle and cold loads", restless, usual, silent(*range(30, 481, 30)), 480, 4)


def _found() -> Iterable[Case]:
    """One of two models becomes slower: it is named in time, the other one never."""
    for name, change, rate, deadline in (
        ("twice as slow", TWICE, 2, 60),
        ("twice as slow", TWICE, 60, 35),
        ("half as slow again", HALF, 2, 90),
        ("half as slow again", HALF, 10, 60),
        ("slow tail", TAIL, 10, 75),
        ("slow tail", TAIL, 60, 75),
    ):
        since = 2 * CHANGED
        calm, slow = Load(QUICK, rate), slower(change, per_minute=rate, since=since, median_s=4)
        end = since + deadline
        expected = [*silent(60, since), *fires(end, end + 30)]
        yield case(f"{name} at {rate} per minute", [calm, slow], map(Usual, (calm, slow)), end + 30, expected, seed=3)


def _guards() -> dict[str, Case]:
    """By what they guard. The long window has no baseline in most of them, so that only the short one could fire."""
    hour, six = ("1h",), ("6h",)
    twice, thrice = slower(TWICE), Change("x3", 3.0)
    few = slower(thrice, per_minute=0.2, since=0)
    fewer = slower(thrice, per_minute=0.1, since=0)
    quiet = slower(Change("+30 %", 1.3), per_minute=0.6, since=0)
    trivial = slower(Change("+12 %", 1.12), per_minute=60, since=0)
    wide = slower(Change("+35 %", 1.35), per_minute=60, since=0)
    end = (130, 150)
    return {
        "old enough": one("a day of history", twice, Usual(twice, hour, points=288), fires(*end)),
        "old enough, six hours": one("a day of history, six hours", twice, Usual(twice, six, points=288), fires(*end)),
        "young": one("less than a day of history", twice, Usual(twice, hour, points=287), silent(*end)),
        "young, six hours": one(
            "less than a day of history, six hours", twice, Usual(twice, six, points=287), silent(*end)
        ),
        "few": one("fewer than 20 answers", few, Usual(few, hour), silent(*range(60, 151, 10)), seed=5),
        "few, six hours": one("fewer in six hours", fewer, Usual(fewer, six), silent(*range(60, 151, 10))),
        "trivial": one("certain, and no matter", trivial, Usual(trivial), silent(60, 90, *end)),
        "within": one(
            "slower than usual, as often before",
            wide,
            Usual(wide, mean_spread=0.12, over_spread=0.12),
            silent(60, 90, *end),
        ),
        "quiet hour": one(
            "an hour with fewer answers than usual", quiet, Usual(quiet, hour, per_minute=10, over={}), silent(120, 150)
        ),
        "busy hour": one(
            "an hour with more answers than usual",
            wide,
            Usual(wide, hour, per_minute=0.5, mean_spread=0.12, over={}),
            silent(120, 150),
        ),
        "mean": one("by its mean", twice, Usual(twice, hour, over={}), fires(*end)),
        "mean, six hours": one("by its mean, six hours", twice, Usual(twice, six, over={}), fires(*end)),
        "share": one("by a share", twice, Usual(twice, hour, mean_spread=1), fires(*end)),
        "share, six hours": one("by a share, six hours", twice, Usual(twice, six, mean_spread=1), fires(*end)),
    }


def _shares() -> dict[str, Case]:
    """The scan over buckets: what spread counts, which shares say something. The mean's own spread is too wide."""
    hour = ("1h",)
    far, lucky = slower(HALF, per_minute=60, since=0), slower(Change("+35 %", 1.35), per_minute=1, since=0)
    low, high = slower(Change("x3", 3.0), per_minute=60), slower(TWICE, per_minute=60, median_s=1.6)
    milli, slow = slower(TWICE, median_s=0.4), slower(TWICE, median_s=30)
    end = (120, 150)

    def shares(of: Load, spread: float | None = None, over: Mapping[float, float] | None = None) -> Usual:
        return Usual(of, hour, mean_spread=1, over_spread=spread, over=over)

    return {
        "lucky": one("a spread below the sampling error", lucky, shares(lucky, 0.0001), silent(*end)),
        "wandering": one("a share that wanders", far, shares(far, 0.2), silent(*end)),
        "too small": one("a share near 0", far, shares(far, 0.0005, {10.24: 0.004}), silent(*end)),
        "too large": one("a share near 1", far, shares(far, 0.0005, {0.64: 0.97}), silent(*end)),
        "small": one("a small share", low, shares(low, over={10.24: 0.04}), fires(150)),
        "large": one("a large share", high, shares(high, over={1.28: 0.65}), fires(130)),
        "quick model": one("a model of milliseconds", milli, shares(milli), fires(130)),
        "slow model": one("a model of half a minute", slow, shares(slow), fires(130)),
    }


def _answers() -> dict[str, Case]:
    """Only answers that a loaded model made count."""
    made = {}
    normal = Load(LARGE)
    for name, labels in {
        "cold": {"start": "cold"},
        "hits": {"cache": "hit"},
        "failed": {"outcome": "error"},
    }.items():
        others = Load(LARGE, 10, phases=[Phase(Change("x4", 4.0), CHANGED)], labels=labels)
        made[name] = case(f"only {name} are slow", [normal, others], [Usual(normal)], 150, silent(90, 120, 150))
    for model in ("other", "none"):
        stranger = slower(TWICE, model=model)
        made[model] = one(f"model {model}", stranger, Usual(stranger), silent(90, 120, 150))
    for name, labels in {"degraded": {"outcome": "degraded"}, "bypassed": {"cache": "bypass"}}.items():
        counted = slower(TWICE, labels=labels)
        made[name] = one(f"{name} answers", counted, Usual(counted), fires(130))
    return made


def _time() -> dict[str, Case]:
    """How long it takes, how long it stays, and what a scrape can lose."""
    hour, many = ("1h",), slower(TWICE, per_minute=60)
    passing = Load(LARGE, 60, phases=[Phase(TWICE, CHANGED, CHANGED + 60)])
    slight = slower(Change("+30 %", 1.3))
    calm, slow = Load(QUICK), slower(TWICE, since=60)
    both = [Usual(calm), Usual(slow)]
    seldom = Usual(many, every=30)
    mean = named("environment_model:rag_ask_duration_seconds:mean_1h", **PRODUCTION, gen_ai_request_model=QUICK)
    return {
        # Beyond 1.2 times when a fifth of the hour is slow: after 12 minutes, seen after 15; it fires 10 minutes later.
        "patience": one("it must last", many, Usual(many, hour), [*silent(70, 80), *fires(85, 120)], 120),
        # Below it when less than a fifth is left: after 48 minutes, seen after 50; it stays 15 minutes more.
        "recovery": one(
            "it ends", passing, Usual(passing, hour), [*fires(120, 165, 180), *silent(185, 240)], minutes=240
        ),
        # A quarter more than usual: hours differ as much, but never did six of them.
        "long window": case(
            "a small one among hours that differ",
            [slight],
            [
                Usual(slight, hour, mean_spread=0.12, over_spread=0.12),
                Usual(slight, ("6h",), mean_spread=0.04, over_spread=0.04),
            ],
            300,
            [*silent(*range(30, 151, 30)), *fires(270, 300)],
        ),
        "gap": case(
            "scrapes that fail",
            [calm, slow],
            both,
            300,
            [*silent(30, 60), *fires(120, 150, 180, 240, 300)],
            then=lambda scraped: scraped.gap(150, 185).gap(230, 240),
        ),
        "reset": case(
            "a service that starts again",
            [calm, slow],
            both,
            240,
            [*silent(30, 60), *fires(120, 130, 140, 150, 200, 240)],
            then=lambda scraped: scraped.reset(123),
        ),
        "idle": case(
            "a model that nobody asks",
            [replace(calm, per_minute=0), slow],
            both,
            180,
            fires(180),
            recorded=[Recorded("180m", mean)],
        ),
        "seldom": one("a baseline of every half hour", many, seldom, fires(115, 145)),
        "no more": one("a baseline that nobody records any more", many, replace(seldom, last=30), silent(130, 145)),
    }


NOISE = tuple(_noise())
FOUND = tuple(_found())
GUARDS = {**_guards(), **_shares(), **_answers(), **_time()}
# A model with a factor of its own, beside one without.
OWN_FACTOR = load({"regression": {"factor_of": {LARGE: 1.6}}})
_SLIGHT = Change("+45 %", 1.45)
FACTORS = (
    case(
        "below its own factor",
        [slower(_SLIGHT), slower(_SLIGHT, model=QUICK)],
        [Usual(Load(LARGE)), Usual(Load(QUICK))],
        240,
        fires(240, models=(QUICK,)),
    ),
    case(
        "beyond its own factor",
        [slower(TWICE), slower(TWICE, model=QUICK)],
        [Usual(Load(LARGE)), Usual(Load(QUICK))],
        240,
        fires(240, models=(QUICK, LARGE)),
    ),
)
