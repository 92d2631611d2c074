"""Cases of telemetry that cannot be believed: what is lost on its way, rules that fail, alerts that nobody is told,
answers beyond the last bucket, labels without end.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from prometheus import foreign
from service.telemetry.catalogue import ASK_DURATION, SERIES_BUDGET, SERIES_PER_FURTHER_MODEL, USUAL_CHAT_MODELS
from tests.rules.case import PRODUCTION, Case, Firing, named
from tests.rules.pace import DEVELOPMENT, DEVELOPMENT_PACE, LONG, PRODUCTION_PACE, STALE, Pace, growing, level, texts
from tests.rules.parts_cases import gauge, up

FILE = "pipeline.yml"
REFUSING, FAILING, FILLING, DROPPING = (
    "CollectorRefusing", "CollectorExportFailing", "CollectorQueueFilling", "CollectorDroppingData",
)  # fmt: skip
LOST, RULES, UNTOLD, OVERFLOW, MANY = (
    "RagSpansLost", "PrometheusRuleFailing", "AlertsNotTold", "RagHistogramOverflow", "RagCardinalityHigh",
)  # fmt: skip
THERE, NONE = level((1, LONG)), level((0, LONG))
Values = Mapping[str, str]


@dataclass(frozen=True)
class Counter:
    """A counter of another program that begins with its first event, and the alert about it."""

    alert: str
    metric: str
    job: str
    labels: Values

    def series(self, values: str, environment: Values = PRODUCTION) -> dict[str, str]:
        """It, as one target shows it."""
        target = {"job": self.job, "instance": f"127.0.0.1:{self.job}"}
        return {named(self.metric, **environment, **target, **self.labels): values}


_EXPORTER, _RECEIVER = {"exporter": "otlp_http/tempo"}, {"receiver": "otlp", "transport": "http"}
_SDK = {"service_version": "1.0.0", "otel_component_type": "batching_span_processor", "error_type": "queue_full"}
COUNTERS = (
    Counter(REFUSING, foreign.COLLECTOR_REFUSED, "otelcol", _RECEIVER),
    Counter(FAILING, foreign.COLLECTOR_FAILED, "otelcol", {**_EXPORTER, "server_port": "4418"}),
    Counter(DROPPING, foreign.COLLECTOR_DROPPED, "otelcol", _EXPORTER),
    Counter(LOST, foreign.SDK_PROCESSED, "emini-rag", _SDK),
    Counter(UNTOLD, foreign.ALERTMANAGER_FAILED, "alertmanager", {"integration": "webhook", "reason": "other"}),
    Counter(UNTOLD, foreign.PROMETHEUS_DROPPED, "prometheus", {}),
)


def exported(values: str, environment: Values = PRODUCTION, result: str = "failed") -> dict[str, str]:
    """Spans that the service sent, by what became of them; there from the start."""
    return gauge("rag_trace_spans_total", values, environment, result=result)


def _births(pace: Pace, counter: Counter) -> Iterator[Case]:
    """Seen at the first event and for the window after it, and never because somebody did not look."""
    window = pace.steps(pace.limits.down.window)
    start, last = window + 5, 2 * window + 3
    silent = pace.silent(counter.alert, *range(start - 2, start + 2 * window + 6))
    sent = exported(NONE) | exported(NONE, DEVELOPMENT) | exported(growing(9), result="delivered")
    always = up(counter.job, THERE) | sent

    def case(name: str, values: str, *expected: tuple[Firing, ...], target: str = THERE) -> Case:
        series = always | counter.series(values) | up(counter.job, target)
        return pace.case(f"{counter.metric}: {name}", FILE, series, *(expected or (silent,)))

    def fires(first: int, last: int) -> tuple[Firing, ...]:
        return pace.fires(counter.alert, first, last, PRODUCTION)

    yield case("born", level((None, start), (1, LONG)), fires(start, last))
    yield case("rises", level((5, start), (6, LONG)), fires(start, last))
    yield case("born, and rises", level((None, start), (1, 4), (9, LONG)), fires(start, last + 4))
    yield case("old", level((70, LONG)))
    # What is not scraped for a while, by Prometheus or at all, begins nowhere.
    unseen = level((70, start), (STALE, 3), (70, LONG))
    yield case("not seen for a while", unseen, target=level((1, start), (0, 3), (1, LONG)))
    yield case(
        "nobody measured", level((70, start), (None, 8), (70, LONG)), target=level((1, start), (None, 8), (1, LONG))
    )
    # The program began anew, and lost as much as in its former life.
    again, ends = level((1, start - 2), (STALE, 4), (1, LONG)), start + 2 + window - 2
    yield case("born again", again, fires(start + 2, ends), target=level((1, start - 2), (0, 1), (1, LONG)))
    first = level((None, 3), (4, LONG))
    begun = {key.replace("production", "development"): value for key, value in (up(counter.job, THERE)).items()}
    apart = counter.series(first, DEVELOPMENT) | always | begun
    told = (Firing(pace.at(3), counter.alert, (DEVELOPMENT,)), *pace.silent(counter.alert, 2, 4 + window))
    yield pace.case(f"{counter.metric}: at once, in development", FILE, apart, told)


def _queue(pace: Pace) -> Iterator[Case]:
    waits, bound = pace.steps(pace.limits.down.for_), pace.limits.queue.collector_full[1]
    labels = {"exporter": "otlp_http/tempo", "data_type": "traces", "job": "otelcol"}

    def queue(*parts: tuple[float | str, int], environment: Values = PRODUCTION) -> dict[str, str]:
        room = {named(foreign.COLLECTOR_CAPACITY, **environment, **labels): level((400, LONG))}
        return room | {named(foreign.COLLECTOR_QUEUE, **environment, **labels): level(*parts)}

    full, fine = 400 * (bound + 0.01), 400 * (bound - 0.01)
    silent = pace.silent(FILLING, *range(10, 18))
    apart = queue((0, LONG), environment=DEVELOPMENT)
    fires = pace.fires(FILLING, 10 + waits, 16, PRODUCTION)
    yield pace.case("queue: nearly full", FILE, queue((0, 10), (full, 7), (0, LONG)) | apart, fires)
    yield pace.case("queue: room", FILE, queue((0, 10), (fine, LONG)), silent)
    yield pace.case("queue: full for a moment", FILE, queue((0, 10), (400, waits), (0, LONG)), silent)


def _losses(pace: Pace) -> Iterator[Case]:
    """What the service sent and nobody took; and both at once."""
    window = pace.steps(pace.limits.down.window)
    start, queue = window + 5, COUNTERS[3]
    fires = pace.fires(LOST, start, start + window - 2, PRODUCTION)
    silent = pace.silent(LOST, *range(start, start + window))
    one = level((0, start), (1, LONG))
    yield pace.case("spans: not taken", FILE, exported(one) | exported(NONE, DEVELOPMENT), fires)
    delivered = exported(level((0, start), (500, LONG)), result="delivered")
    yield pace.case("spans: delivered", FILE, exported(NONE) | delivered, silent)
    timeout = {key.replace("queue_full", "other"): value for key, value in queue.series(growing(5)).items()}
    yield pace.case("spans: processed", FILE, exported(NONE) | timeout | up("emini-rag", THERE), silent)
    yield pace.case("spans: failed once", FILE, exported(level((3, LONG))) | queue.series(level((8, LONG))), silent)


def _prometheus(pace: Pace) -> Iterator[Case]:
    window = pace.steps(pace.limits.down.window)
    start = window + 5
    fires = pace.fires(RULES, start, start + window - 2, PRODUCTION)
    once = level((4, start), (5, LONG))

    def counted(failures: str, missed: str, environment: Values = PRODUCTION) -> dict[str, str]:
        labels = {**environment, "job": "prometheus", "rule_group": "parts.yml;parts"}
        return {
            named(foreign.PROMETHEUS_RULE_FAILURES, **labels): failures,
            named(foreign.PROMETHEUS_MISSED, **labels): missed,
        }

    apart = counted(NONE, NONE, DEVELOPMENT)
    yield pace.case("rules: failed", FILE, counted(once, NONE) | apart, fires)
    yield pace.case("rules: left out", FILE, counted(NONE, once) | apart, fires)
    silent = pace.silent(RULES, *range(start, start + window))
    yield pace.case("rules: failed long ago", FILE, counted(level((4, LONG)), level((7, LONG))), silent)
    anew = level((4, start), (0, LONG))
    yield pace.case("rules: Prometheus began anew", FILE, counted(anew, anew), silent)


def answers(within: float, beyond: float, at: int, environment: Values = PRODUCTION) -> dict[str, str]:
    """So many answers within the last bucket, and beyond it, all told of at one step."""
    top, every = f"{ASK_DURATION.buckets[-1]:.1f}", level((0, at), (within + beyond, LONG))
    name = ASK_DURATION.name
    return gauge(f"{name}_bucket", level((0, at), (within, LONG)), environment, le=top) | gauge(
        f"{name}_count", every, environment
    ) | gauge(f"{name}_bucket", every, environment, le="+Inf")  # fmt: skip


def _overflow(pace: Pace) -> Iterator[Case]:
    window, bound = pace.steps(pace.limits.down.window), pace.limits.series.overflow
    start, many = window + 5, 20000
    silent = pace.silent(OVERFLOW, *range(start, start + window))
    fires = pace.fires(OVERFLOW, start, start + window - 2, PRODUCTION)
    fine = answers(10, 0, start, DEVELOPMENT)
    over, under = round(many * bound * 1.1), round(many * bound * 0.9)
    yield pace.case("overflow: above", FILE, answers(many - over, over, start) | fine, fires)
    yield pace.case("overflow: below", FILE, answers(many - under, under, start), silent)
    yield pace.case("overflow: nobody asks", FILE, answers(0, 0, start), silent)


def _cardinality(pace: Pace) -> Iterator[Case]:
    waits, window = pace.steps(pace.limits.down.for_), pace.steps(pace.limits.down.window)
    share, start = pace.limits.series.share, window + 5
    silent = pace.silent(MANY, *range(start, start + window + 3))

    def exposed(
        count: float, models: int = USUAL_CHAT_MODELS, environment: Values = PRODUCTION, job: str = "emini-rag"
    ) -> dict[str, str]:
        label = {**environment, "job": job, "instance": f"127.0.0.1:{job}"}
        found = {named(foreign.SCRAPE_SAMPLES, **label): level((300, start), (count, 6), (300, LONG))}
        for number in range(models):
            found |= gauge("rag_admission_capacity", THERE, environment, gen_ai_request_model=f"model {number}")
        return found

    def folded(values: str, problem: str = "series_budget") -> dict[str, str]:
        return gauge("rag_telemetry_problems_total", values, problem=problem)

    room, further = share * SERIES_BUDGET, share * (SERIES_BUDGET + 2 * SERIES_PER_FURTHER_MODEL)
    fires = pace.fires(MANY, start + waits, start + 5, PRODUCTION)
    apart = exposed(300, environment=DEVELOPMENT)
    # A second instance, or a new version beside the old one, has no models of its own.
    second = {key.replace("1.0.0", "2.0.0"): value for key, value in exposed(0).items() if "1.0.0" in key}
    yield pace.case("series: above", FILE, exposed(room + 1) | second | apart, fires)
    yield pace.case("series: below", FILE, exposed(room - 1), silent)
    six, few = USUAL_CHAT_MODELS + 2, 1
    yield pace.case("series: above, with further models", FILE, exposed(further + 1, six), fires)
    yield pace.case("series: below, with further models", FILE, exposed(further - 1, six), silent)
    yield pace.case("series: above, with fewer models", FILE, exposed(room + 1, few), fires)
    yield pace.case("series: below, with fewer models", FILE, exposed(room - 1, few), silent)
    yield pace.case("series: another has many", FILE, exposed(300) | exposed(room + 1, job="tempo"), silent)
    once = level((0, start), (1, LONG))
    told = pace.fires(MANY, start + waits, start + window - 2, PRODUCTION)
    yield pace.case("series: folded", FILE, exposed(600) | folded(once) | apart, told)
    yield pace.case("series: folded once", FILE, exposed(600) | folded(level((6, LONG))), silent)
    yield pace.case("series: another problem", FILE, exposed(600) | folded(once, "unknown_label"), silent)


def cases(pace: Pace) -> dict[str, Case]:
    """All of them by name."""
    births = (case for counter in COUNTERS for case in _births(pace, counter))
    others = (*_queue(pace), *_losses(pace), *_prometheus(pace), *_overflow(pace), *_cardinality(pace))
    return {case.name: case for case in (*births, *others)}


def _told() -> Iterator[Case]:
    """What each says, once."""
    pace, start = PRODUCTION_PACE, 20
    born = level((None, start), (2, 1), (9, LONG))

    def say(alert: str, series: Values, summary: str, description: str, at: int = 21) -> Case:
        said = texts(alert, summary, description, "telemetry", environment="production")
        return pace.case(
            f"texts of {alert}", FILE, series, (Firing(pace.at(at), alert, (PRODUCTION,), annotations=said),)
        )

    def lost(number: int) -> dict[str, str]:
        counter = COUNTERS[number]
        return counter.series(born) | up(counter.job, THERE)

    yield say(REFUSING, lost(0), "The Collector refused 9 spans",
              "In the last 15m. It refuses what it has no memory or no room in its queue for; none is "
              "usual.")  # fmt: skip
    yield say(FAILING, lost(1), "The Collector could not hand on 9 spans",
              "In the last 15m, after all its attempts; none is usual. They are lost.")  # fmt: skip
    yield say(DROPPING, lost(2), "The Collector dropped 9 spans",
              "In the last 15m, because its queue was full or its disk would not take them; none is "
              "usual.")  # fmt: skip
    yield say(LOST, lost(3) | exported(level((0, 20), (4, LONG))), "The service lost 13 spans",
              "In the last 15m: the Collector did not take them, or too many came at once; none is usual. Answers were "
              "not slowed.")  # fmt: skip
    yield say(UNTOLD, lost(4), "9 alerts could not be told",
              "In the last 15m; none is usual. Alertmanager is away, or a receiver refuses: its file, address or "
              "key.")  # fmt: skip
    labels = {**PRODUCTION, "exporter": "otlp_http/tempo"}
    queue = {
        named(foreign.COLLECTOR_QUEUE, **labels): level((360, LONG)),
        named(foreign.COLLECTOR_CAPACITY, **labels): level((400, LONG)),
    }
    yield say(FILLING, queue, "The Collector's queue is 90% full",
              "Above 50% is unusual: whoever takes the traces is away or slow. When it is full, spans are "
              "dropped.")  # fmt: skip
    rules = {
        named(metric, **PRODUCTION): level((0, 20), (3, LONG))
        for metric in (foreign.PROMETHEUS_RULE_FAILURES, foreign.PROMETHEUS_MISSED)
    }
    yield say(RULES, rules, "6 evaluations of rules failed or were left out",
              "In the last 15m; none is usual. The alerts of these rules are blind.")  # fmt: skip
    yield say(OVERFLOW, answers(3, 1, 20), "25% of the answers take longer than the last bucket",
              "In the last 15m; at most 0.1% is usual. Quantiles and shares beyond 600 s cannot be known.")  # fmt: skip
    series = {named(foreign.SCRAPE_SAMPLES, **PRODUCTION, job="emini-rag"): level((9975, LONG))}
    yield say(MANY, series | gauge("rag_admission_capacity", THERE, gen_ai_request_model="m"),
              "The service has 95% of the series that it may have",
              "Above 90% of 10500 series and 1700 for every further model, or some values are already counted together "
              "as `_OTHER`: by model and tier they cannot be told apart any more.")  # fmt: skip


CASES = cases(PRODUCTION_PACE)
QUICK = cases(DEVELOPMENT_PACE)
TEXTS = tuple(_told())
