"""Cases of `RagModelLatencyRegression` that take hours, not weeks: what is usual is put in as given (`usual.py`)."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from math import exp

from prometheus.thresholds import load, of_environment
from service.telemetry.catalogue import ASK_DURATION
from tests.rules.case import PRODUCTION, Case, Firing, Recorded, named
from tests.rules.drawn import MEDIAN_S, SIGMA, Change
from tests.rules.traffic import SCENARIO, Load, Phase, Scraped, scraped
from tests.rules.usual import Usual

ALERT = "RagModelLatencyRegression"
LIMITS = of_environment("production")
SHORT, LONG = ((window,) for window in LIMITS.regression.windows)
STEADY = 60.0  # answers a minute of a case in which nothing is left to chance
FILE = "regression.yml"
QUICK, LARGE = "llama3.2:3b", "gpt-oss:20b"
CHANGED = 60  # the minute at which a model becomes slower, if nothing else is said
TWICE, HALF, TAIL = Change("+100 %", 2.0), Change("+50 %", 1.5), Change("tail", 4.0, share=0.1)
LONG_TAIL = replace(TAIL, factor=5.0)  # the mean 40 % higher: clear of the factor


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
    usual = Usual(restless, over_spread=0.06, mean_spread=0.11)
    yield one("wandering, with a daily cycle and cold loads", restless, usual, silent(*range(30, 481, 30)), 480, 4)


def _found() -> Iterable[Case]:
    """One of two models becomes slower: it is named in time, the other one never."""
    for name, change, rate, deadline in (
        ("twice as slow", TWICE, 2, 45),
        ("twice as slow", TWICE, 60, 25),
        ("half as slow again", HALF, 2, 90),
        ("half as slow again", HALF, 10, 45),
        ("slow tail", LONG_TAIL, 10, 90),
        ("slow tail", LONG_TAIL, 60, 60),
    ):
        since = 2 * CHANGED
        calm, slow = Load(QUICK, rate), slower(change, per_minute=rate, since=since, median_s=4)
        end = since + deadline
        expected = [*silent(60, since), *fires(end, end + 30)]
        yield case(f"{name} at {rate} per minute", [calm, slow], map(Usual, (calm, slow)), end + 30, expected, seed=3)


def _guards() -> dict[str, Case]:
    """By what they guard. The long window has no baseline in most of them, so that only the short one could fire."""
    twice = slower(TWICE)
    few = slower(Change("x8", 8.0), per_minute=0.25, since=0)
    fewer = slower(Change("x8", 8.0), per_minute=0.1, since=0)
    trivial = slower(Change("+12 %", 1.12), per_minute=60, since=0)
    end = (130, 150)
    return {
        "old enough": one("two days of history", twice, Usual(twice, SHORT, points=576), fires(*end)),
        "old enough, six hours": one(
            "two days of history, six hours", twice, Usual(twice, LONG, points=576), fires(*end)
        ),
        "young": one("less than two days of history", twice, Usual(twice, SHORT, points=575), silent(*end)),
        "young, six hours": one(
            "less than two days of history, six hours", twice, Usual(twice, LONG, points=575), silent(*end)
        ),
        "few": one("fewer than 20 answers", few, Usual(few, SHORT), silent(*range(60, 151, 10)), seed=5),
        "few, six hours": one("fewer in six hours", fewer, Usual(fewer, LONG), silent(*range(60, 151, 10))),
        "trivial": one("certain, and no matter", trivial, Usual(trivial), silent(60, 90, *end)),
    }


def _witnesses() -> dict[str, Case]:
    """Half of the answers take 10 s instead of 2 s: the spreads that this was usual within are what differs."""
    made = {}
    for window, suffix in ((SHORT, ""), (LONG, ", six hours")):
        for name, share_z, mean_z, alerts in (
            ("both", 3.8, 10, fires),
            ("the share is usual", 1, 10, silent),
            ("the mean is usual", 3.8, 1, silent),
            ("the share is far out", 6, 1, fires),
        ):
            made[name + suffix] = halved(name + suffix, share_z, mean_z, alerts(120, 150), window)
    made["quiet hour"] = halved("fewer answers than usual", 3.8, 5, silent(120, 150), per_minute=4 * STEADY)
    made["busy hour"] = halved("more answers than usual", 3.8, 2.5, silent(120, 150), per_minute=STEADY / 4)
    return made


def halved(
    name: str,
    share_z: float,
    mean_z: float,
    expected: Sequence[Firing],
    windows: Sequence[str] = SHORT,
    per_minute: float | None = None,
) -> Case:
    """So many spreads above usual, if as many answers are usual."""
    usual_share, mean_s = 0.3, (2.0 + 10.0) / 2
    usual_s = MEDIAN_S * exp(SIGMA**2 / 2)
    usual = Usual(
        Load(LARGE, STEADY),
        windows,
        over={5.12: usual_share},
        over_spread=(0.5 - usual_share) / share_z,
        mean_spread=(mean_s / usual_s - 1) / mean_z,
        per_minute=per_minute,
    )
    return steady(name, STEADY, 0.5, 10.0, usual, expected)


def _shares() -> dict[str, Case]:
    """The scan over buckets: which spread counts, and what few answers are worth."""
    far, lucky = slower(HALF, per_minute=60, since=0), slower(Change("+35 %", 1.35), per_minute=1, since=0)
    milli, slow = slower(TWICE, median_s=0.4), slower(TWICE, median_s=30)
    five, seldom = (Usual(Load(LARGE, rate), SHORT, 0.0, over={10.24: 0.0}) for rate in (5, 0.7))
    end = (120, 150)
    return {
        "lucky": one("a spread below the sampling error", lucky, Usual(lucky, SHORT, 0.0001), silent(*end)),
        "wandering": one("a share that wanders", far, Usual(far, SHORT, 0.2), silent(*end)),
        # Of 200 answers 5 %, where there never were any: a model whose times are close together might do so by chance.
        "rare": steady("the first of their kind", 5, 0.05, 40.0, five, silent(*end)),
        "unheard of": steady("far more of a kind that never was", 5, 0.11, 40.0, five, fires(*end)),
        # Four of twenty-eight: one of them is chance, and three are not enough.
        "one of few": steady("one more by chance", 0.7, 0.15, 40.0, seldom, silent(*end)),
        "quick model": one("a model of milliseconds", milli, Usual(milli, SHORT), fires(130)),
        "slow model": one("a model of half a minute", slow, Usual(slow, SHORT), fires(130)),
    }


def steady(name: str, per_minute: float, share: float, long_s: float, usual: Usual, expected: Sequence[Firing]) -> Case:
    """As many answers each minute, of which a share takes `long_s` and the rest 2 s."""
    metric, labels = ASK_DURATION.name, Load(LARGE).named()
    seconds = per_minute * (share * long_s + (1 - share) * MEDIAN_S)
    series = {
        named(f"{metric}_sum", **labels): f"0+{seconds:g}x150",
        named(f"{metric}_count", **labels): f"0+{per_minute:g}x150",
    }
    for bound in LIMITS.regression.bounds_s:
        within = per_minute * (1 if bound >= long_s else 1 - share if bound >= MEDIAN_S else 0)
        series[named(f"{metric}_bucket", **labels, le=repr(float(bound)))] = f"0+{within:g}x150"
    return Case(name, [FILE], {**series, **usual.series(LIMITS, 150)}, expected, evaluated="5m")


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
    many = slower(TWICE, per_minute=60)
    passing = Load(LARGE, 60, phases=[Phase(TWICE, CHANGED, CHANGED + 60)])
    slight = slower(Change("+45 %", 1.45))
    calm, slow = Load(QUICK), slower(TWICE, since=60)
    both = [Usual(calm), Usual(slow)]
    seldom = Usual(many, every=30)
    mean = named("environment_model:rag_ask_duration_seconds:mean_40m", **PRODUCTION, gen_ai_request_model=QUICK)
    return {
        # Beyond 1.3 times when 3 of 10 in the 40 minutes are slow: after 12 minutes, seen after 15; it fires 5 later.
        "patience": one("it must last", many, Usual(many, SHORT), [*silent(70, 75), *fires(80, 120)], 120),
        # Below it when less than that is left: after 28 minutes, seen after 30; it stays 15 minutes more.
        "recovery": one(
            "it ends", passing, Usual(passing, SHORT), [*fires(120, 150, 160), *silent(165, 240)], minutes=240
        ),
        # Times of less than an hour often differ as much, but never did six hours.
        "long window": case(
            "a small one among hours that differ",
            [slight],
            [Usual(slight, SHORT, 0.12, 0.12), Usual(slight, LONG, 0.04, 0.04)],
            300,
            [*silent(*range(30, 151, 30)), *fires(270, 300)],
        ),
        "gap": case(
            "scrapes that fail",
            [calm, slow],
            both,
            300,
            [*silent(30, 60), *fires(120, 150, 160, 180, 240, 300)],
            then=lambda scraped: scraped.gap(150, 165).gap(230, 240),
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
GUARDS = {**_guards(), **_witnesses(), **_shares(), **_answers(), **_time()}
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
