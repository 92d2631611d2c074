"""Every bound and guard of the rules about what is away or says nothing, broken one at a time."""

from collections.abc import Iterator

from tests.rules import absent_cases, parts_cases
from tests.rules.absent_cases import ABSENT, WATCHDOG
from tests.rules.mutation import Mutation
from tests.rules.parts_cases import (
    BREAKER,
    CHROMA,
    COLLECTOR,
    DEPENDENCY,
    DISK,
    FILE,
    GPU,
    MISSING,
    OLLAMA,
    PART,
    SERVICE,
    TEMPO,
)

_CASES = parts_cases.CASES | absent_cases.CASES
# An alert that waits `down.for`, with a case that says to the step when it begins.
_WAIT = {alert: f"{alert}: away" for alert in (SERVICE, OLLAMA, CHROMA, DEPENDENCY, TEMPO, COLLECTOR, PART)} | {
    MISSING: "a model is removed",
    BREAKER: "breaker: open",
    DISK: "disk: nearly full",
}
# What picks the one thing that an alert is about.
_ABOUT = {
    SERVICE: 'job="emini-rag"',
    CHROMA: 'dependency="chroma"',
    DEPENDENCY: 'dependency!~"ollama|chroma"',
    TEMPO: 'job="tempo"',
    COLLECTOR: 'job="otelcol"',
    PART: 'job!~"emini-rag|tempo|otelcol"',
}
_ALL = "everything is away"


def _broken(name: str, rule: str, old: str, new: str, *cases: str, part: str = "expr") -> Mutation:
    return Mutation(f"{rule}: {name}", FILE, old, new, tuple(_CASES[case] for case in cases), rule, part)


def _away() -> Iterator[Mutation]:
    for alert, case in _WAIT.items():
        yield _broken("waits too short", alert, "2m", "1m", case, part="for")
        yield _broken("waits too long", alert, "2m", "3m", case, part="for")
        yield _broken("environments are mixed", alert, "deployment_environment_name", "job", case)
    for alert, which in _ABOUT.items():
        yield _broken("all count", alert, which, "", _ALL, "others are away")
    for alert in (SERVICE, OLLAMA, CHROMA, DEPENDENCY, TEMPO, COLLECTOR, PART):
        yield _broken("always", alert, "== 0", ">= 0", f"{alert}: for a moment")
        yield _broken("never", alert, "== 0", "< 0", f"{alert}: away")
        yield _broken("one of several", alert, "max by", "min by", f"{alert}: another is there")
    for name in ("ollama", "chroma"):
        yield _broken(f"{name} counts", DEPENDENCY, "ollama|chroma", "ollama|chroma".replace(name, "x"), _ALL)
    for name in ("emini-rag", "tempo", "otelcol"):
        yield _broken(f"{name} counts", PART, name, "x", _ALL)
    yield _broken("silent", WATCHDOG, "vector(1)", "vector(1) > 1", "nothing at all")


def _guards() -> Iterator[Mutation]:
    yield _broken("Ollama may be away", MISSING, " and on (deployment_environment_name) (rag_ollama_up == 1)", "",
                  "Ollama is away, and so are its models")  # fmt: skip
    yield _broken("another's Ollama is enough", MISSING, "and on (deployment_environment_name)", "and on ()",
                  "Ollama is away, and so are its models")  # fmt: skip
    yield _broken("any model is enough", MISSING, "unless on (deployment_environment_name, gen_ai_request_model)",
                  "unless on (deployment_environment_name)", "a model is removed")  # fmt: skip
    yield _broken("another's model is enough", MISSING, "unless on (deployment_environment_name, gen_ai_request_model)",
                  "unless on (gen_ai_request_model)", "a model is removed")  # fmt: skip
    yield _broken("builds are told apart", MISSING, "rag_ollama_model_info", 'rag_ollama_model_info{digest="d1"}',
                  "a model is renewed")  # fmt: skip
    yield _broken("half open does not count", BREAKER, "rag_breaker_state > 0", "rag_breaker_state > 1",
                  "breaker: half open again and again")  # fmt: skip
    yield _broken("closed counts", BREAKER, "rag_breaker_state > 0", "rag_breaker_state >= 0",
                  "breaker: closed at the first trial")  # fmt: skip
    yield _broken("half open is enough", BREAKER, "== 2", ">= 1", "breaker: half open since long")
    yield _broken("must be open now", BREAKER, "[15m]", "[1m]", "breaker: half open again and again")
    yield _broken("remembered short", BREAKER, "[15m]", "[14m]", "breaker: nobody tries it")
    yield _broken("remembered long", BREAKER, "[15m]", "[16m]", "breaker: nobody tries it")
    yield _broken("bound low", DISK, "0.05", "0.0485", "disk: nearly full")
    yield _broken("bound high", DISK, "0.05", "0.0515", "disk: room")
    yield _broken("the best disk counts", DISK, "min by (deployment_environment_name)", "max by ()",
                  "disk: nearly full")  # fmt: skip


def _absent() -> Iterator[Mutation]:
    asked = "sum by (deployment_environment_name) (increase(rag_ask_duration_seconds_count{}[15m])) > 0"
    yield _broken("waits too short", ABSENT, "5m", "4m", "absent: left the targets", part="for")
    yield _broken("waits too long", ABSENT, "5m", "6m", "absent: left the targets", part="for")
    yield _broken("any target is enough", ABSENT, '{job="emini-rag"}', "", "absent: was never in the targets")
    yield _broken("another's service is enough", ABSENT, "unless on (deployment_environment_name) up",
                  "unless on () up", "absent: was never in the targets")  # fmt: skip
    yield _broken("away is absent", ABSENT, 'up{job="emini-rag"}', '(up{job="emini-rag"} == 1)',
                  "absent: away is told by another")  # fmt: skip
    yield _broken("nobody needs to ask", ABSENT, asked, asked.replace("> 0", ">= 0"), "absent: nobody asks")
    yield _broken("one question is none", ABSENT, asked, asked.replace("> 0", "> 50"), "absent: no spans")
    yield _broken("the Collector may be away", ABSENT, "[15m])) == 1", "[15m])) >= 0", "absent: the Collector is away")
    yield _broken("the Collector need not have been seen", ABSENT, 'min_over_time(up{job="otelcol"}[15m])',
                  'up{job="otelcol"}', "absent: the Collector was not seen")  # fmt: skip
    yield _broken("any part is the Collector", ABSENT, 'job="otelcol"', 'job=~".+"', "absent: there is no Collector")
    yield _broken("old spans are enough", ABSENT, " > 0), \"signal\", \"traces\"", " >= 0), \"signal\", \"traces\"",
                  "absent: spans stop")  # fmt: skip
    yield _broken("a counter's first value is not seen", ABSENT, "sum_over_time(up[15m])", "0 * sum_over_time(up[15m])",
                  "absent: one question", "absent: the Collector began anew")  # fmt: skip
    yield _broken("looks back too short", ABSENT, "count{}[15m]", "count{}[5m]", "absent: one question without spans")


def _gpu() -> Iterator[Mutation]:
    yield _broken("waits too short", GPU, "5m", "4m", "gpu: a fault", part="for")
    yield _broken("waits too long", GPU, "5m", "6m", "gpu: hot", part="for")
    yield _broken("bound low", GPU, "> 85", "> 84", "gpu: warm")
    yield _broken("bound high", GPU, "> 85", "> 86", "gpu: hot")
    yield _broken("a fault is told of for ever", GPU, " and changes(DCGM_FI_DEV_XID_ERRORS[15m]) > 0", "",
                  "gpu: a fault of last week")  # fmt: skip
    yield _broken("no fault is one", GPU, "DCGM_FI_DEV_XID_ERRORS > 0", "DCGM_FI_DEV_XID_ERRORS >= 0",
                  "gpu: its exporter began anew")  # fmt: skip
    yield _broken("a fault is forgotten soon", GPU, "XID_ERRORS[15m]", "XID_ERRORS[14m]", "gpu: a fault")
    yield _broken("a fault is remembered long", GPU, "XID_ERRORS[15m]", "XID_ERRORS[16m]", "gpu: a fault")
    yield _broken("memory is counted for ever", GPU, "increase(DCGM_FI_DEV_ECC_DBE_VOL_TOTAL[15m])",
                  "DCGM_FI_DEV_ECC_DBE_VOL_TOTAL", "gpu: memory was bad once")  # fmt: skip
    yield _broken("memory is forgotten soon", GPU, "VOL_TOTAL[15m]", "VOL_TOTAL[14m]", "gpu: memory")
    yield _broken("one GPU for all", GPU, ", gpu)", ")", "gpu: a fault", "gpu: memory", "gpu: hot")
    for kind, case in (("temperature", "gpu: hot"), ("xid", "gpu: a fault"), ("ecc", "gpu: memory")):
        yield _broken(f"{kind} has no name", GPU, f'"{kind}"', '"fault"', case)


MUTATIONS = (*_away(), *_guards(), *_absent(), *_gpu())
