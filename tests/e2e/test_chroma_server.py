"""The service on a Chroma server of its own, and what happens when that is away."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ops.stack.process import wait_until
from tests.components.checkpoint_stand import CheckpointStand
from tests.components.chroma import RunningChroma
from tests.components.ollama import RunningOllama
from tests.components.service import RunningService


@pytest.fixture
def chroma(tmp_path: Path) -> Iterator[RunningChroma]:
    with RunningChroma(tmp_path / "chroma") as running:
        yield running


def test_a_server_serves_vectors_goes_away_and_comes_back(
    chroma: RunningChroma, real_ollama: RunningOllama, tmp_path: Path
) -> None:
    environment = {
        "RAG_CHROMA__URL": chroma.url,
        "RAG_OLLAMA__URL": real_ollama.url,
        "RAG_OLLAMA__POLL_S": "0.5",
    }
    with RunningService(tmp_path / "service", environment) as service:
        wait_until(service.embedded, 180, "every document has its vectors")
        answer = service.ask("What is momentum trading?")
        assert answer["mode"] == "generated"
        assert "chroma_unavailable" not in answer["degraded"]
        assert not any("chroma" in path.name for path in service.data.iterdir())

        chroma.kill()
        away = service.ask("What is a stop order?")
        assert "chroma_unavailable" in away["degraded"]
        assert away["citations"]
        wait_until(lambda: service.value("rag_dependency_up", dependency="chroma") == 0, 10, "it is seen to be away")

        chroma.start()
        wait_until(
            lambda: "chroma_unavailable" not in service.ask("What is VWAP?", cache={"no-cache": True})["degraded"],
            20,
            "vectors are used again",
        )


def test_a_checkpoint_holds_its_vectors_and_is_not_restored_below_it(chroma: RunningChroma, tmp_path: Path) -> None:
    documents = tmp_path / "documents"
    documents.mkdir()
    for number in range(20):
        (documents / f"first{number}.md").write_text(f"Document {number} tells of momentum and of reversal {number}.")
    folder = ("--chroma-folder", str(chroma.data))
    with CheckpointStand(tmp_path / "stand", documents, RAG_CHROMA__URL=chroma.url) as stand:
        wait_until(stand.service.embedded, 60, "every document has its vectors")
        before = stand.document_ids()
        made = stand.told("create", "first", *folder)
        assert made["corpus"]["found_themselves"] == made["corpus"]["looked_for"] == len(before)
        stand.service.client.post("/documents", files={"file": ("later.md", b"This came later, and is to go.")})
        stand.service.stop()
        refused = stand.command("restore", "first", "--yes", *folder)
        assert refused.returncode == 1
        assert f"The Chroma server at {chroma.url} runs" in refused.stderr
        chroma.stop()
        stand.told("restore", "first", "--yes", *folder)
        chroma.start()
        stand.service.start()
        assert stand.document_ids() == before
        state = stand.service.client.get("/documents").json()
        assert (state["pending_vectors"], bool(state["embedder"])) == (0, True)
        answer = stand.service.ask("What tells of momentum?")
        assert answer["citations"]
        assert "chroma_unavailable" not in answer["degraded"]
        again = stand.told("create", "again", *folder)
        assert again["corpus"]["vectors"] == made["corpus"]["vectors"]
