"""The order of a first `up`: the service before everything it leans on, and before any model was downloaded."""

import os
import subprocess
import sys
from pathlib import Path

from ops.stack.process import wait_until
from tests.components.chroma import RunningChroma
from tests.components.service import RunningService, serving
from tests.fakes.ollama_server import FakeOllama
from tests.faults.stand import PATIENCE_S, assert_calm

QUESTION = "What is momentum trading?"
ONCE = {"no-cache": True, "no-store": True}


def there(service: RunningService) -> dict[str, bool]:
    """What readiness says of each dependency; the service is ready all the time."""
    reply = service.client.get("/readyz")
    assert reply.status_code == 200, reply.text
    return {one["name"]: bool(one["ok"]) for one in reply.json()["dependencies"]}


def lacking(service: RunningService) -> list[str]:
    return list(service.ask(QUESTION, cache=ONCE)["degraded"])


def test_a_chroma_server_that_comes_up_later_is_used_from_then_on(tmp_path: Path) -> None:
    chroma = RunningChroma(tmp_path)
    with FakeOllama().in_thread() as ollama:
        environment = {"RAG_CHROMA__URL": chroma.url, "RAG_OLLAMA__URL": ollama.url, "RAG_OLLAMA__POLL_S": "0.2"}
        with serving(tmp_path / "service", **environment) as service:
            wait_until(lambda: there(service)["ollama"], PATIENCE_S, "Ollama is seen")
            assert not there(service)["chroma"]
            answer = service.ask(QUESTION, cache=ONCE)
            assert (answer["mode"], bool(answer["citations"]), bool(answer["degraded"])) == ("generated", True, True)
            with chroma:
                wait_until(lambda: there(service)["chroma"], PATIENCE_S, "Chroma is seen")
                wait_until(service.embedded, PATIENCE_S, "every document has its vectors")
                wait_until(lambda: not lacking(service), PATIENCE_S, "answers lack nothing")
        assert_calm(service)


def test_names_that_nobody_knows_yet_are_no_obstacle(tmp_path: Path) -> None:
    environment = {
        "RAG_CHROMA__URL": "http://chroma.invalid:8000",
        "RAG_OLLAMA__URL": "http://ollama.invalid:11434",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector.invalid:4318",
        "OTEL_BSP_SCHEDULE_DELAY": "50",
        # Where no name server answers, its silence is part of the test, but not for long.
        "RES_OPTIONS": "timeout:1 attempts:1",
    }

    def told() -> list[str]:
        return [line["message"] for line in service.log_lines()]

    with serving(tmp_path, **environment) as service:
        answer = service.ask(QUESTION)
        assert (answer["mode"], bool(answer["citations"])) == ("extractive", True)
        assert (there(service)["ollama"], there(service)["chroma"]) == (False, False)
        wait_until(lambda: any("takes no traces" in line for line in told()), PATIENCE_S, "the Collector is missed")
    assert any("http://collector.invalid:4318/v1/traces" in line for line in told())
    assert_calm(service)


def test_without_a_model_it_answers_and_says_how_to_get_one_and_then_uses_it(tmp_path: Path) -> None:
    with FakeOllama([]).in_thread() as ollama:
        environment = {"RAG_OLLAMA__URL": ollama.url, "RAG_OLLAMA__POLL_S": "0.2"}
        with serving(tmp_path, **environment) as service:
            wait_until(lambda: service.value("rag_ollama_up") == 1, PATIENCE_S, "Ollama is seen")
            answer = service.ask(QUESTION)
            assert answer["mode"] == "extractive"
            assert "model_unavailable" in answer["degraded"]
            warnings = [line["message"] for line in service.log_lines() if line["level"] == "WARNING"]
            assert any("`emini-rag models pull --all`" in message for message in warnings)

            command = [Path(sys.executable).with_name("emini-rag"), "models", "pull", "--all"]
            settings = {**service.environment, "PATH": os.environ.get("PATH", os.defpath)}
            pulled = subprocess.run(command, env=settings, capture_output=True, text=True, timeout=60, check=True)
            lines = pulled.stdout.splitlines()
            assert lines[0] == "nomic-embed-text is installed."
            assert len(lines) == 5
            assert "llama3.2:3b: pulling manifest" in pulled.stderr

            wait_until(lambda: service.ask(QUESTION)["mode"] == "generated", PATIENCE_S, "the models are used")
            wait_until(service.embedded, PATIENCE_S, "and so is the embedding model")
            assert any("every model is installed" in line["message"] for line in service.log_lines())
        assert_calm(service)
