"""What is away: the service, what it needs, the parts of the stack, and the signals themselves."""

from prometheus import foreign
from prometheus.promql import increase, matching, rise
from prometheus.rule import COUNT, ENVIRONMENT, MODEL, PAGE, TICKET, Alert, Group, label, value
from prometheus.thresholds import Thresholds
from service.errors import Dependency
from service.telemetry.catalogue import (
    ADMISSION_CAPACITY,
    ASK_DURATION,
    BREAKER_STATE,
    DEPENDENCY_UP,
    DISK_FREE,
    OLLAMA_INFO,
    OLLAMA_UP,
)

_HERE = (ENVIRONMENT,)
_SERVICE, _TEMPO, _COLLECTOR = "emini-rag", "tempo", "otelcol"
_TELEMETRY = "telemetry"
_OPEN = 2


def groups(limits: Thresholds) -> list[Group]:
    """What the service needs, what stands around it, and what says nothing any more."""
    return [
        Group("dependencies", [*_needed(limits), _model_missing(limits), _breaker(limits), _disk(limits)]),
        Group("parts", [_service(limits), *_around(limits), *_absent(limits), _watchdog()]),
        Group("gpu", _gpu(limits)),
    ]


def _service(limits: Thresholds) -> Alert:
    return Alert(
        "RagServiceDown",
        f'max by ({ENVIRONMENT}) ({foreign.UP}{{job="{_SERVICE}"}}) == 0',
        PAGE,
        "The service does not answer",
        f"Its metrics could not be read for {limits.down.for_}: it has ended, hangs, or its port cannot be reached. "
        f"Value of up: {value()}.",
        limits.down.for_,
    )


def _needed(limits: Thresholds) -> list[Alert]:
    down = limits.down.for_
    return [
        Alert(
            "RagOllamaDown",
            f"max by ({ENVIRONMENT}) ({OLLAMA_UP.name}) == 0",
            PAGE,
            "Ollama does not answer",
            f"For {down} no poll of it was answered (value {value()}). Answers are quotes from the documents until then.",
            down,
            dashboard="gpu",
        ),
        Alert(
            "RagChromaDown",
            f'max by ({ENVIRONMENT}) ({DEPENDENCY_UP.name}{{dependency="{Dependency.CHROMA}"}}) == 0',
            TICKET,
            "Chroma does not answer",
            f"For {down} (value {value()}). Passages are found by their words only, not by their meaning.",
            down,
        ),
        Alert(
            "RagDependencyDown",
            f"max by ({ENVIRONMENT}, dependency) ({DEPENDENCY_UP.name}"
            f'{{dependency!~"{Dependency.OLLAMA}|{Dependency.CHROMA}"}}) == 0',
            TICKET,
            f"{label('dependency')} does not answer",
            f"For {down} (value {value()}). Without the cache every answer is made anew; without SQLite no document is found.",
            down,
            dashboard="cache",
        ),
    ]


def _model_missing(limits: Thresholds) -> Alert:
    """Ollama answers, and lacks a model that questions may go to."""
    on = matching((ENVIRONMENT, MODEL))
    return Alert(
        "RagModelMissing",
        f"(max by ({ENVIRONMENT}, {MODEL}) ({ADMISSION_CAPACITY.name}) unless {on} {OLLAMA_INFO.name}) and "
        f"{matching(_HERE)} ({OLLAMA_UP.name} == 1)",
        TICKET,
        f"{label(MODEL)} is configured and not installed",
        f"Its questions (up to {value()} at a time) go to another model, or are answered with quotes.",
        limits.down.for_,
        dashboard="gpu",
    )


def _breaker(limits: Thresholds) -> Alert:
    """It is open for seconds only, then half open until the next question tries it: so both count, while it was open
    within the window. Half open for longer says only that nobody asked."""
    state, window = BREAKER_STATE.name, limits.down.window
    return Alert(
        "RagBreakerOpen",
        f"max by ({ENVIRONMENT}, dependency) ({state} > 0 and max_over_time({state}[{window}]) == {_OPEN})",
        TICKET,
        f"{label('dependency')} failed so often that it is left alone",
        f"For {limits.down.for_} it was not closed (state {value()}: 2 is open, 1 lets one question through to try it). The "
        "first success closes it.",
        limits.down.for_,
        dashboard="gpu",
    )


def _disk(limits: Thresholds) -> Alert:
    return Alert(
        "RagDiskFilling",
        f"min by ({ENVIRONMENT}) ({DISK_FREE.name}) < {limits.down.disk_free:g}",
        TICKET,
        f"{value('humanizePercentage')} of the disk under the data folder is free",
        "On a full disk no document can be added and no answer kept; answers go on.",
        limits.down.for_,
    )


def _around(limits: Thresholds) -> list[Alert]:
    others = "|".join((_SERVICE, _TEMPO, _COLLECTOR))
    return [
        _part_down("TempoDown", f'job="{_TEMPO}"', "Traces wait in the Collector's queue on disk.", limits),
        _part_down("CollectorDown", f'job="{_COLLECTOR}"', "Traces are lost once the service's queue is full.", limits),
        _part_down("StackPartDown", f'job!~"{others}"', "What it does is told on its page of the runbook.", limits),
    ]


def _part_down(name: str, which: str, meaning: str, limits: Thresholds) -> Alert:
    return Alert(
        name,
        f"max by ({ENVIRONMENT}, job) ({foreign.UP}{{{which}}}) == 0",
        TICKET,
        f"{label('job')} does not answer",
        f"Its metrics could not be read for {limits.down.for_} (value of up: {value()}). {meaning}",
        limits.down.for_,
        dashboard=_TELEMETRY,
    )


def _absent(limits: Thresholds) -> list[Alert]:
    """Nobody measures, or nothing arrives: a rule over what is not there is silent."""
    places, on = f"count by ({ENVIRONMENT}) ({foreign.UP})", matching(_HERE)
    asked = increase(ASK_DURATION, "", limits.down.window, _HERE, "_count")
    arrived = rise(foreign.COLLECTOR_ACCEPTED, "", limits.down.window, _HERE)
    # What it took while it could not be scraped is not known.
    there = f'max by ({ENVIRONMENT}) (min_over_time({foreign.UP}{{job="{_COLLECTOR}"}}[{limits.down.window}])) == 1'
    return [
        Alert(
            "TelemetryAbsent",
            f'label_replace({places} unless {on} {foreign.UP}{{job="{_SERVICE}"}}, "signal", "metrics", "", "") or '
            f'label_replace({asked} > 0 and {on} ({there}) unless {on} ({arrived} > 0), "signal", "traces", "", "")',
            TICKET,
            f"No {label('signal')} of the service arrive",
            f'For {limits.down.absent}. {{{{ if eq $labels.signal "traces" }}}}The Collector took no span of the last '
            f"{value(COUNT)} questions: no slow query can be looked into.{{{{ else }}}}None of {value(COUNT)} targets is the "
            "service: every alert about answers is blind.{{ end }}",
            limits.down.absent,
            dashboard=_TELEMETRY,
        )
    ]


def _watchdog() -> Alert:
    return Alert(
        "Watchdog",
        "vector(1)",
        "none",
        "Alerts can be told",
        f"Fires always (value {value()}). Whoever listens to it (receiver `heartbeat`) misses it when Prometheus, "
        "Alertmanager or the way out is broken.",
        variables={},
        dashboard=_TELEMETRY,
    )


def _gpu(limits: Thresholds) -> list[Alert]:
    """Nothing where no GPU is measured. The last XID stays until the exporter begins anew, so it is told of while it is
    new; the same number once more is not seen, what it does to answers is told by others."""
    hot = f"max by ({ENVIRONMENT}, gpu) ({foreign.GPU_TEMPERATURE}) > {limits.gpu.temperature_c[1]:g}"
    changed = f"changes({foreign.GPU_XID}[{limits.down.window}]) > 0"
    xid = f"max by ({ENVIRONMENT}, gpu) ({foreign.GPU_XID} > 0 and {changed})"
    ecc = f"max by ({ENVIRONMENT}, gpu) (increase({foreign.GPU_ECC}[{limits.down.window}])) > 0"
    kinds = (("temperature", hot), ("xid", xid), ("ecc", ecc))
    return [
        Alert(
            "RagGpuFault",
            " or ".join(f'label_replace({expr}, "fault", "{kind}", "", "")' for kind, expr in kinds),
            TICKET,
            f"GPU {label('gpu')}: {label('fault')} {value()}",
            f"Too hot is above {limits.gpu.temperature_c[1]:g} degrees; xid is the driver's number of a fault; ecc counts "
            "errors of its memory that could not be corrected.",
            limits.gpu.for_,
            dashboard="gpu",
        )
    ]
