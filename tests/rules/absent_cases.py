"""Cases of what says nothing: a rule over what is not there is silent, so these look at what should be beside it."""

from collections.abc import Iterator, Mapping

from prometheus import foreign
from tests.rules.answers_cases import asked
from tests.rules.case import PRODUCTION, Case, Firing, named
from tests.rules.pace import DEVELOPMENT, DEVELOPMENT_PACE, LONG, PRODUCTION_PACE, STALE, Pace, growing, level, texts
from tests.rules.parts_cases import FILE, SERVICE, START, up

ABSENT, WATCHDOG = "TelemetryAbsent", "Watchdog"
THERE = level((1, LONG))
_METRICS, _TRACES = {**PRODUCTION, "signal": "metrics"}, {**PRODUCTION, "signal": "traces"}


def accepted(values: str) -> dict[str, str]:
    """Spans that the Collector took."""
    labels = {"job": "otelcol", "instance": "127.0.0.1:otelcol", "receiver": "otlp", "transport": "http"}
    return {named(foreign.COLLECTOR_ACCEPTED, **PRODUCTION, **labels): values}


def _around(environment: Mapping[str, str] = PRODUCTION) -> dict[str, str]:
    return up("prometheus", THERE, environment) | up("otelcol", THERE, environment)


def _targets(pace: Pace) -> Iterator[Case]:
    """The service is in the targets, or it is not."""
    waits = pace.steps(pace.limits.down.absent)
    back = START + waits + 3
    apart = _around(DEVELOPMENT) | up("emini-rag", THERE, DEVELOPMENT)
    silent = pace.silent(ABSENT, *range(START, back + waits))

    def service(*parts: tuple[float | str, int]) -> dict[str, str]:
        return up("emini-rag", level(*parts))

    left = service((1, START), (STALE, back - START), (1, LONG))
    yield pace.case(
        "absent: left the targets",
        FILE,
        _around() | left | apart,
        pace.fires(ABSENT, START + waits, back - 1, _METRICS),
    )
    moment = service((1, START), (STALE, waits), (1, LONG))
    yield pace.case("absent: left for a moment", FILE, _around() | moment, silent)
    yield pace.case("absent: away is told by another", FILE, _around() | service((1, START), (0, LONG)), silent)
    never = pace.fires(ABSENT, waits, back, _METRICS)[:2]
    yield pace.case("absent: was never in the targets", FILE, _around() | apart, never)


def _spans(pace: Pace) -> Iterator[Case]:
    """Spans of what is asked arrive, or they do not."""
    waits, window = pace.steps(pace.limits.down.absent), pace.steps(pace.limits.down.window)
    start = window + 5
    here = _around() | up("emini-rag", THERE)
    silent = pace.silent(ABSENT, *range(start, start + 3 * window))
    # A question now and then, each with its spans a step later, as batches are.
    once, twice = level((0, start), (1, LONG)), level((0, start), (1, waits + 1), (2, LONG))
    back = start + waits + 4

    def case(name: str, series: Mapping[str, str], *expected: tuple[Firing, ...]) -> Case:
        return pace.case(f"absent: {name}", FILE, here | series, *(expected or (silent,)))

    many = asked("ok", growing(1, after=start))
    yield case(
        "no spans",
        many | accepted(level((None, back), (20, LONG))),
        pace.fires(ABSENT, start + waits, back - 1, _TRACES),
    )
    yield case(
        "spans stop", many | accepted(level((700, LONG))), pace.fires(ABSENT, start + waits, LONG - 2, _TRACES)[:2]
    )
    lonely = pace.fires(ABSENT, start + waits, start + window - 2, _TRACES)
    yield case("one question without spans", asked("ok", once) | accepted(level((300, LONG))), lonely)
    yield case("one question", asked("ok", once) | accepted(level((None, start + 1), (20, LONG))))
    yield case(
        "spans before the question is counted",
        asked("ok", level((0, start + 1), (1, LONG))) | accepted(level((300, start), (320, LONG))),
    )
    yield case("two questions", asked("ok", twice) | accepted(level((300, start + 1), (320, waits + 1), (340, LONG))))
    yield case("nobody asks", asked("ok", level((9, LONG))) | accepted(level((300, LONG))))
    began = level((None, start - 2), (0, 1), (1, LONG))
    yield case("first question of all", asked("ok", began) | accepted(level((None, start), (20, LONG))))
    anew = accepted(level((20, start - 2), (STALE, 4), (20, LONG))) | up(
        "otelcol", level((1, start - 2), (0, 1), (1, LONG))
    )
    yield case("the Collector began anew", asked("ok", level((0, start), (1, LONG))) | anew)
    yield case("the Collector is away", many | up("otelcol", level((1, start), (0, LONG))))
    unseen = level((1, start), (0, window + 3), (1, LONG))
    hidden = accepted(level((300, start), (STALE, window + 3), (320, LONG)))
    yield case(
        "the Collector was not seen",
        asked("ok", level((0, start + window + 1), (1, LONG))) | hidden | up("otelcol", unseen),
    )
    nowhere = many | up("emini-rag", THERE) | up("prometheus", THERE)
    yield pace.case("absent: there is no Collector", FILE, nowhere, silent)


def _nothing(pace: Pace) -> Case:
    """A Prometheus that sees nothing cannot say so; what fires always, and is missed elsewhere, does."""
    always = tuple(Firing(pace.at(step), WATCHDOG, ({},), "none") for step in (0, 1, LONG))
    return pace.case("nothing at all", FILE, {}, always, pace.silent(ABSENT, LONG), pace.silent(SERVICE, LONG))


def cases(pace: Pace) -> dict[str, Case]:
    """All of them by name."""
    found = (*_targets(pace), *_spans(pace), _nothing(pace))
    return {case.name: case for case in found}


def _told() -> Iterator[Case]:
    pace = PRODUCTION_PACE
    for labels, series, at, description in (
        (_METRICS, _around(), 5, "None of 2 targets is the service: every alert about answers is blind."),
        (
            _TRACES,
            _around() | up("emini-rag", THERE) | asked("ok", level((0, 20), (3, LONG))),
            25,
            "The Collector took no span of the last 3 questions: no slow query can be looked into.",
        ),
    ):
        signal = labels["signal"]
        said = texts(
            ABSENT,
            f"No {signal} of the service arrive",
            f"For 5m. {description}",
            "telemetry",
            environment="production",
        )
        yield pace.case(
            f"texts of {ABSENT} {signal}", FILE, series, (Firing(pace.at(at), ABSENT, (labels,), annotations=said),)
        )
    said = texts(
        WATCHDOG, "Alerts can be told",
        "Fires always (value 1). Whoever listens to it (receiver `heartbeat`) misses it when Prometheus, Alertmanager "
        "or the way out is broken.", "telemetry",
    )  # fmt: skip
    yield pace.case(f"texts of {WATCHDOG}", FILE, {}, (Firing(pace.at(1), WATCHDOG, ({},), "none", said),))


CASES = cases(PRODUCTION_PACE)
QUICK = cases(DEVELOPMENT_PACE)
TEXTS = tuple(_told())
