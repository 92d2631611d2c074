"""A disk that fills up under the running service, then has room again: told, nothing stored by half, nothing lost."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ops.stack.process import wait_until
from tests.components.service import RunningService
from tests.components.small_disk import SmallDisk
from tests.fakes.ollama_server import FakeModel, FakeOllama
from tests.faults.stand import EMBEDDER, MODEL, PATIENCE_S, answering, assert_calm, question

ROOMY = 260 << 20


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    made = SmallDisk(tmp_path / "disk", ROOMY)
    made.path.mkdir()
    with made.mounted():
        yield made


def upload(service: RunningService, name: str, word: str) -> tuple[int, dict[str, str]]:
    text = "\n\n".join(f"Paragraph {number} says what {word} is: {word} is good." for number in range(1000))
    reply = service.client.post("/documents", files={"file": (name, text.encode())})
    return reply.status_code, reply.json()


def sources(service: RunningService) -> list[str]:
    return sorted(document["source"] for document in service.client.get("/documents").json()["documents"])


def refusal(service: RunningService) -> str:
    """What a start says that fails."""
    started = subprocess.run(
        [sys.executable, "-m", "service"],
        env=service.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert started.returncode != 0
    return started.stdout + started.stderr


@pytest.mark.slow
def test_a_full_disk_is_told_and_survived(disk: SmallDisk, tmp_path: Path) -> None:
    models = [FakeModel(MODEL, resident=True), FakeModel(EMBEDDER, capabilities=("embedding",), resident=True)]
    with (
        FakeOllama(models).in_thread() as ollama,
        answering(tmp_path / "service", ollama, RAG_EMBEDDING__MODEL=EMBEDDER, RAG_DATA_DIR=str(disk.path)) as service,
    ):
        wait_until(service.embedded, PATIENCE_S, "every document has its vectors")
        assert upload(service, "before.md", "quokka")[0] == 201

        disk.fill()
        for number in range(3):
            status, problem = upload(service, f"during-{number}.md", "wombat")
            assert (status, problem["kind"]) == (507, "storage_full"), problem
            assert "free some space" in problem["detail"]
        assert sources(service) == ["before.md", "rules.md"]
        assert service.ask("What is wombat?")["mode"] == "no_context"
        # Answers go on, and are kept in memory.
        assert [service.ask(question(1))["cache"]["result"] for _ in range(2)] == ["miss", "hit"]
        asked = service.ask("What is quokka?")
        assert asked["citations"][0]["source"] == "before.md"
        slow = service.client.get("/monitoring/slow?count=1000").json()["slow"]
        assert asked["trace_id"] in {one["trace_id"] for one in slow}

        service.stop()
        said = refusal(service)
        assert "free some space" in said
        assert "Traceback" not in said

        disk.make_room()
        service.start()
        wait_until(lambda: service.value("rag_ollama_up") == 1, PATIENCE_S, "the service sees Ollama")
        assert sources(service) == ["before.md", "rules.md"]
        assert service.ask("What is quokka?")["citations"][0]["source"] == "before.md"
        assert upload(service, "after.md", "wombat")[0] == 201
        assert service.ask("What is wombat?")["citations"][0]["source"] == "after.md"
        wait_until(service.embedded, PATIENCE_S, "every document has its vectors")
    assert_calm(service)
