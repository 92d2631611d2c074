"""Cases of what is away: the service, what it needs, the parts of the stack; and of the GPU. What says nothing any more
is in `absent_cases.py`.
"""

from collections.abc import Iterator, Mapping

from prometheus import foreign
from tests.rules.case import PRODUCTION, Case, Firing, named
from tests.rules.pace import DEVELOPMENT, DEVELOPMENT_PACE, LONG, PRODUCTION_PACE, STALE, Pace, level, texts

FILE = "parts.yml"
SERVICE, OLLAMA, CHROMA, DEPENDENCY = "RagServiceDown", "RagOllamaDown", "RagChromaDown", "RagDependencyDown"
MISSING, BREAKER, DISK, GPU = "RagModelMissing", "RagBreakerOpen", "RagDiskFilling", "RagGpuFault"
TEMPO, COLLECTOR, PART = "TempoDown", "CollectorDown", "StackPartDown"
SMALL, LARGE = "llama3.2:3b", "gpt-oss:20b"
START = 10

Values = Mapping[str, str]


def up(job: str, values: str, environment: Values = PRODUCTION, instance: str = "") -> dict[str, str]:
    """A target of Prometheus."""
    return {named(foreign.UP, **environment, job=job, instance=instance or f"127.0.0.1:{job}"): values}


def gauge(metric: str, values: str, environment: Values = PRODUCTION, **labels: str) -> dict[str, str]:
    """A gauge of the service, of one version of it."""
    return {named(metric, **environment, service_version="1.0.0", **labels): values}


def xid(values: str, gpu: str = "0") -> dict[str, str]:
    """The last fault that the driver told of."""
    return {named(foreign.GPU_XID, **PRODUCTION, gpu=gpu, UUID=f"GPU-{gpu}"): values}


def _away(pace: Pace, alert: str, wanted: Values, series: str, severity: str = "ticket") -> Iterator[Case]:
    """Something that says 1 while it is there, and 0 while it is not. `series` is in production."""
    waits = pace.steps(pace.limits.down.for_)
    back = START + waits + 4
    there, blip = level((1, LONG)), level((1, START), (0, waits), (1, LONG))
    apart = {series.replace("production", "development"): there}
    gone = {series: level((1, START), (0, back - START), (1, LONG))}
    fires = pace.fires(alert, START + waits, back - 1, {**PRODUCTION, **wanted}, severity=severity)
    silent = pace.silent(alert, *range(START, back + 3))
    yield pace.case(f"{alert}: away", FILE, gone | apart, fires)
    yield pace.case(f"{alert}: for a moment", FILE, {series: blip}, silent)
    others = {series.replace("{", '{slot="2",'): there}
    yield pace.case(f"{alert}: another is there", FILE, gone | others, silent)
    vanished = {series: level((1, START), (0, waits), (STALE, LONG))}
    yield pace.case(f"{alert}: nobody says so any more", FILE, vanished, silent)
    elsewhere = {series: there, series.replace("production", "development"): level((1, START), (0, LONG))}
    told = (Firing(pace.at(START + waits), alert, ({**DEVELOPMENT, **wanted},), severity),)
    yield pace.case(f"{alert}: away in development", FILE, elsewhere, told)
    # Prometheus stood still for a while: the lookback bridges what is not known.
    hole = {series: level((1, START), (0, 1), (None, 2), (0, LONG))}
    holding = (Firing(pace.at(START + waits), alert, ({**PRODUCTION, **wanted},), severity),)
    yield pace.case(f"{alert}: not known for a moment", FILE, hole, holding)


def _parts(pace: Pace) -> Iterator[Case]:
    def target(job: str) -> str:
        return next(iter(up(job, "")))

    def dependency(name: str) -> str:
        return next(iter(gauge("rag_dependency_up", "", dependency=name)))

    yield from _away(pace, SERVICE, {}, target("emini-rag"), "page")
    yield from _away(pace, OLLAMA, {}, next(iter(gauge("rag_ollama_up", ""))), "page")
    yield from _away(pace, CHROMA, {}, dependency("chroma"))
    yield from _away(pace, DEPENDENCY, {"dependency": "cache"}, dependency("cache"))
    yield from _away(pace, TEMPO, {"job": "tempo"}, target("tempo"))
    yield from _away(pace, COLLECTOR, {"job": "otelcol"}, target("otelcol"))
    yield from _away(pace, PART, {"job": "alertmanager"}, target("alertmanager"))
    yield _everything_away(pace)
    others = up("grafana", level((0, LONG))) | gauge("rag_dependency_up", level((0, LONG)), dependency="cache")
    quiet = (*pace.silent(SERVICE, START), *pace.silent(CHROMA, START), *pace.silent(TEMPO, START))
    yield pace.case("others are away", FILE, others, (*quiet, *pace.silent(COLLECTOR, START)))


def _everything_away(pace: Pace) -> Case:
    """Each says what is its own to say, and nothing else."""
    at, gone = pace.at(START + pace.steps(pace.limits.down.for_)), level((1, START), (0, LONG))
    jobs = ("emini-rag", "tempo", "otelcol", "grafana", "dcgm")
    series = {key: value for job in jobs for key, value in up(job, gone).items()}
    for name in ("chroma", "cache", "sqlite", "ollama"):
        series |= gauge("rag_dependency_up", gone, dependency=name)
    series |= gauge("rag_ollama_up", gone)
    expected = (
        Firing(at, SERVICE, (PRODUCTION,), "page"),
        Firing(at, OLLAMA, (PRODUCTION,), "page"),
        Firing(at, CHROMA, (PRODUCTION,)),
        Firing(at, DEPENDENCY, tuple({**PRODUCTION, "dependency": name} for name in ("cache", "sqlite"))),
        Firing(at, TEMPO, ({**PRODUCTION, "job": "tempo"},)),
        Firing(at, COLLECTOR, ({**PRODUCTION, "job": "otelcol"},)),
        Firing(at, PART, tuple({**PRODUCTION, "job": job} for job in ("grafana", "dcgm"))),
    )
    return pace.case("everything is away", FILE, series, expected)


def _models(pace: Pace) -> Iterator[Case]:
    waits = pace.steps(pace.limits.down.for_)
    back = START + waits + 4
    here, there = level((1, LONG)), gauge("rag_ollama_up", level((1, LONG)))

    def capacity(model: str, environment: Values = PRODUCTION) -> dict[str, str]:
        return gauge("rag_admission_capacity", level((2, LONG)), environment, gen_ai_request_model=model)

    def installed(model: str, values: str, environment: Values = PRODUCTION) -> dict[str, str]:
        return gauge("rag_ollama_model_info", values, environment, gen_ai_request_model=model, digest="d1")

    both = capacity(SMALL) | capacity(LARGE) | installed(SMALL, here)
    elsewhere = capacity(LARGE, DEVELOPMENT) | installed(LARGE, here, DEVELOPMENT)
    removed = installed(LARGE, level((1, START), (STALE, back - START), (1, LONG)))
    # A new build of a model is another series: nothing is missing meanwhile.
    renewed = installed(LARGE, level((1, START), (STALE, LONG)))
    renewed |= {key.replace("d1", "d2"): level((None, START), (1, LONG)) for key in renewed}
    silent = pace.silent(MISSING, *range(START, back + 3))
    missing = {**PRODUCTION, "gen_ai_request_model": LARGE}
    yield pace.case(
        "a model is removed",
        FILE,
        both | removed | there | elsewhere,
        pace.fires(MISSING, START + waits, back - 1, missing),
    )
    moment = installed(LARGE, level((1, START), (STALE, waits), (1, LONG)))
    yield pace.case("a model is removed for a moment", FILE, both | moment | there, silent)
    yield pace.case("a model is renewed", FILE, both | renewed | there, silent)
    away = gauge("rag_ollama_up", level((1, START), (0, LONG)))
    other = gauge("rag_ollama_up", here, DEVELOPMENT)
    yield pace.case("Ollama is away, and so are its models", FILE, both | removed | away | other, silent)


def _breakers(pace: Pace) -> Iterator[Case]:
    waits, window = pace.steps(pace.limits.down.for_), pace.steps(pace.limits.down.window)
    name = f"ollama/{LARGE}"

    def state(values: str) -> dict[str, str]:
        closed = gauge("rag_breaker_state", level((0, LONG)), dependency="ollama")
        return gauge("rag_breaker_state", values, dependency=name) | closed

    broken = {**PRODUCTION, "dependency": name}
    first = START + waits
    silent = pace.silent(BREAKER, *range(START, START + window + 6))
    yield pace.case(
        "breaker: open",
        FILE,
        state(level((0, START), (2, 8), (0, LONG))),
        pace.fires(BREAKER, first, START + 7, broken),
    )
    flaps = level((0, START), *((2, 1), (1, 3)) * 6, (0, LONG))
    yield pace.case(
        "breaker: half open again and again", FILE, state(flaps), pace.fires(BREAKER, first, START + 23, broken)
    )
    once = level((0, START), (2, 1), (1, LONG))
    yield pace.case(
        "breaker: nobody tries it", FILE, state(once), pace.fires(BREAKER, first, START + window - 1, broken)
    )
    yield pace.case(
        "breaker: closed at the first trial", FILE, state(level((0, START), (2, 1), (1, waits - 1), (0, LONG))), silent
    )
    yield pace.case(
        "breaker: twice, and well in between",
        FILE,
        state(level((0, START), (2, waits), (0, 1), (2, waits), (0, LONG))),
        silent,
    )
    yield pace.case("breaker: half open since long", FILE, state(level((1, LONG))), silent)


def _disk(pace: Pace) -> Iterator[Case]:
    waits, bound = pace.steps(pace.limits.down.for_), pace.limits.down.disk_free
    fine = gauge("rag_data_disk_free_ratio", level((0.5, LONG)), DEVELOPMENT)

    def free(share: float) -> dict[str, str]:
        return gauge("rag_data_disk_free_ratio", level((0.5, START), (share, 6), (0.5, LONG)))

    fires = pace.fires(DISK, START + waits, START + 5, PRODUCTION)
    yield pace.case("disk: nearly full", FILE, free(bound * 0.98) | fine, fires)
    yield pace.case("disk: room", FILE, free(bound * 1.02), pace.silent(DISK, *range(START, START + 8)))


def _gpu(pace: Pace) -> Iterator[Case]:
    waits, window = pace.steps(pace.limits.gpu.for_), pace.steps(pace.limits.down.window)
    bound, last = pace.limits.gpu.temperature_c[1], START + window - 2
    silent = pace.silent(GPU, *range(START, START + window + 6))

    def series(metric: str, values: str, gpu: str = "0") -> dict[str, str]:
        return {named(metric, **PRODUCTION, gpu=gpu, UUID=f"GPU-{gpu}"): values}

    def fault(kind: str, first: int, last: int) -> tuple[Firing, ...]:
        return pace.fires(GPU, first, last, {**PRODUCTION, "gpu": "1", "fault": kind})

    cool = series(foreign.GPU_TEMPERATURE, level((60, LONG))) | xid(level((0, LONG)))
    hot = level((60, START), (bound + 1, waits + 3), (60, LONG))
    yield pace.case(
        "gpu: hot",
        FILE,
        cool | series(foreign.GPU_TEMPERATURE, hot, "1"),
        fault("temperature", START + waits, START + waits + 2),
    )
    yield pace.case("gpu: warm", FILE, series(foreign.GPU_TEMPERATURE, level((60, START), (bound, LONG))), silent)
    moment = level((60, START), (bound + 9, waits), (60, LONG))
    yield pace.case("gpu: hot for a moment", FILE, series(foreign.GPU_TEMPERATURE, moment), silent)
    yield pace.case(
        "gpu: a fault", FILE, cool | xid(level((0, START), (79, LONG)), "1"), fault("xid", START + waits, last)
    )
    yield pace.case("gpu: a fault of last week", FILE, xid(level((79, LONG))), silent)
    yield pace.case("gpu: its exporter began anew", FILE, xid(level((79, START), (0, LONG))), silent)
    lost = series(foreign.GPU_ECC, level((3, START), (4, LONG)), "1")
    yield pace.case("gpu: memory", FILE, cool | lost, fault("ecc", START + waits, last))
    yield pace.case("gpu: memory was bad once", FILE, series(foreign.GPU_ECC, level((4, LONG))), silent)


def cases(pace: Pace) -> dict[str, Case]:
    """All of them by name."""
    found = (*_parts(pace), *_models(pace), *_breakers(pace), *_disk(pace), *_gpu(pace))
    return {case.name: case for case in found}


def _told() -> Iterator[Case]:
    """What each says, once."""
    gone, at = level((1, START), (0, LONG)), START + 2

    def say(
        alert: str,
        series: Values,
        summary: str,
        description: str,
        dashboard: str = "overview",
        severity: str = "ticket",
        at: int = at,
        **more: str,
    ) -> Case:
        said = texts(alert, summary, description, dashboard, environment="production")
        firing = Firing(PRODUCTION_PACE.at(at), alert, ({**PRODUCTION, **more},), severity, said)
        return PRODUCTION_PACE.case(f"texts of {alert} {''.join(more.values())}", FILE, series, (firing,))

    read = "Its metrics could not be read for 2m"
    yield say(SERVICE, up("emini-rag", gone), "The service does not answer",
              f"{read}: it has ended, hangs, or its port cannot be reached. Value of up: 0.",
              severity="page")  # fmt: skip
    yield say(OLLAMA, gauge("rag_ollama_up", gone), "Ollama does not answer",
              "For 2m no poll of it was answered (value 0). Answers are quotes from the documents until then.",
              "gpu", "page")  # fmt: skip
    yield say(CHROMA, gauge("rag_dependency_up", gone, dependency="chroma"), "Chroma does not answer",
              "For 2m (value 0). Passages are found by their words only, not by their meaning.")  # fmt: skip
    yield say(DEPENDENCY, gauge("rag_dependency_up", gone, dependency="sqlite"), "sqlite does not answer",
              "For 2m (value 0). Without the cache every answer is made anew; without SQLite no document is found.",
              "cache", dependency="sqlite")  # fmt: skip
    lacks = gauge("rag_admission_capacity", level((2, LONG)), gen_ai_request_model=LARGE)
    yield say(MISSING, lacks | gauge("rag_ollama_up", level((1, LONG))), f"{LARGE} is configured and not installed",
              "Its questions (up to 2 at a time) go to another model, or are answered with quotes.",
              "gpu", gen_ai_request_model=LARGE)  # fmt: skip
    yield say(BREAKER, gauge("rag_breaker_state", level((0, START), (2, LONG)), dependency="ollama"),
              "ollama failed so often that it is left alone",
              "For 2m it was not closed (state 2: 2 is open, 1 lets one question through to try it). The first success "
              "closes it.", "gpu", dependency="ollama")  # fmt: skip
    yield say(DISK, gauge("rag_data_disk_free_ratio", level((0.04, LONG))),
              "4% of the disk under the data folder is free",
              "On a full disk no document can be added and no answer kept; answers go on.")  # fmt: skip
    for alert, job, meaning in (
        (TEMPO, "tempo", "Traces wait in the Collector's queue on disk."),
        (COLLECTOR, "otelcol", "Traces are lost once the service's queue is full."),
        (PART, "grafana", "What it does is told on its page of the runbook."),
    ):
        yield say(
            alert, up(job, gone), f"{job} does not answer", f"{read} (value of up: 0). {meaning}", "telemetry", job=job
        )
    told = ("Too hot is above 85 degrees; xid is the driver's number of a fault; ecc counts errors of its memory that "
            "could not be corrected.")  # fmt: skip
    yield say(GPU, xid(level((0, START), (79, LONG))), "GPU 0: xid 79", told, "gpu", at=START + 5, gpu="0", fault="xid")


CASES = cases(PRODUCTION_PACE)
QUICK = cases(DEVELOPMENT_PACE)
TEXTS = tuple(_told())
