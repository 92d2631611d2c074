"""Which parts of an installation a drill may touch."""

from collections.abc import Callable

import pytest

from service.cli.drill.parts import Parts
from service.cli.failures import Failure
from tests.fakes.drill_machine import FakeMachine

OLLAMA = "http://127.0.0.1:11435"
Make = Callable[..., Parts]


@pytest.fixture
def machine() -> FakeMachine:
    """With a native service, its Ollama and its Collector."""
    made = FakeMachine()
    made.add(
        8002, "python3", RAG_OLLAMA__URL=OLLAMA, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:4328", RAG_CHROMA__URL=""
    )
    made.add(11435, "ollama")
    made.add(4328, "otelcol")
    return made


@pytest.fixture
def make(machine: FakeMachine) -> Make:
    def made(**words: object) -> Parts:
        return Parts("http://127.0.0.1:8002", machine, lambda seconds: None, **words)  # type: ignore[arg-type]

    return made


def service_with(machine: FakeMachine, **variables: str) -> None:
    machine.told[machine.listens[8002].pid] = variables


def test_the_parts_are_those_of_the_service(make: Make, machine: FakeMachine) -> None:
    parts = make()
    assert parts.service_process() == machine.listens[8002]
    assert parts.ollama_process() == machine.listens[11435]
    assert parts.collector_process() == machine.listens[4328]
    with pytest.raises(Failure, match="no Chroma server"):
        parts.chroma_process()
    chroma = machine.add(8103, "chroma")
    service_with(
        machine, RAG_CHROMA__URL="http://localhost:8103", OTEL_EXPORTER_OTLP_TRACES_ENDPOINT="http://[::1]:4328/"
    )
    assert parts.chroma_process() == chroma
    assert parts.collector_process() == machine.listens[4328]


def test_the_process_that_runs_a_model_is_a_child_of_the_server(make: Make, machine: FakeMachine) -> None:
    server, runner = machine.listens[11435], machine.add(1, "ollama")
    machine.family[server.pid] = [runner]
    assert make().runner_of("sha256-aaa") is None
    running = type(runner)(7, "1", "ollama", 1000, ("ollama", "runner", "--model", "/m/sha256-aaa"))
    machine.family[server.pid].append(running)
    assert make().runner_of("sha256-aaa") == running


def test_productions_ollama_is_not_touched_unless_it_is_said(make: Make, machine: FakeMachine) -> None:
    service_with(machine)  # none named: the usual address, which is production's
    shared = machine.add(11434, "ollama")
    for parts in (make(), make(ollama="http://127.0.0.1:11434")):
        with pytest.raises(Failure, match="would touch Ollama"):
            parts.models()
        with pytest.raises(Failure, match="would touch Ollama"):
            parts.ollama_process()
    assert make(shared_ollama=True).ollama_process() == shared


def test_without_a_process_to_look_into_it_is_the_one_of_development(make: Make, machine: FakeMachine) -> None:
    del machine.listens[8002]
    assert make().ollama_url() == OLLAMA
    machine.add(8002, "docker-proxy")
    assert make().ollama_url() == OLLAMA


def test_answers_by_rule_have_no_ollama(make: Make, machine: FakeMachine) -> None:
    service_with(machine, RAG_OLLAMA__URL="scripted:")
    with pytest.raises(Failure, match="asks no Ollama"):
        make().models()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://10.0.0.1:4328", "another machine"),
        ("http://127.0.0.1:4318", "production's"),
        ("http://127.0.0.1:4399", "was not found"),
        ("http://127.0.0.1:4400", "is not the Collector"),
        ("http://127.0.0.1:4401", "another user"),
        ("http://127.0.0.1:x", "is no address"),
    ],
)
def test_other_processes_are_refused(make: Make, machine: FakeMachine, url: str, words: str) -> None:
    machine.add(4318, "otelcol")
    machine.add(4400, "docker-proxy")
    machine.add(4401, "otelcol", owner=0)
    service_with(machine, OTEL_EXPORTER_OTLP_ENDPOINT=url)
    with pytest.raises(Failure, match=words):
        make().collector_process()


def test_a_service_without_a_collector_says_so(make: Make, machine: FakeMachine) -> None:
    service_with(machine)
    with pytest.raises(Failure, match="sends its traces nowhere"):
        make().collector_process()
