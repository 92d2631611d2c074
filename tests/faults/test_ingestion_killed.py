"""kill -9 in the middle of ingestion, ten times over, with real SQLite and real embedded Chroma.

After each: every acknowledged document is found, whole, by its word and by its vectors; the step that was under way is
wholly done or not at all; and adding everything again changes nothing.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from service.corpus.ingest import DocumentCorpus
from service.corpus.port import IngestResult
from service.data_folder import DataFolder
from service.retrieval.fts import FtsIndex
from service.retrieval.threads import WorkerThreads
from tests.faults.ingesting import content, open_corpus, word

KILLS = 10
ROOT = Path(__file__).parents[2]
# Far above what a step takes, so that only a hang ends in failure.
PATIENCE_S = 60


@dataclass
class Expected:
    """What was acknowledged: edition and id by source. `open_step` was under way when the kill came."""

    live: dict[str, int] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    next_number: int = 0
    steps: int = 0
    open_step: tuple[str, str, int] | None = None

    def read(self, line: str) -> None:
        said = json.loads(line)
        if "doing" in said:
            self.open_step = tuple(said["doing"])
            return
        assert self.open_step is not None
        kind, source, edition = self.open_step
        self.open_step = None
        self.steps += 1
        self.gone.add(word(source, edition if kind == "delete" else edition - 1))
        if kind == "delete":
            del self.live[source], self.ids[source]
        else:
            self.live[source], self.ids[source] = edition, said["done"]

    def adopt(self, found: dict[str, str]) -> None:
        """The open step may have been done: take what is there, which must be one of the two."""
        if self.open_step is None:
            return
        kind, source, edition = self.open_step
        self.open_step = None
        before = content(source, self.live[source]).decode() if source in self.live else None
        after = None if kind == "delete" else content(source, edition).decode()
        assert found.get(source) in (before, after), f"{kind} of {source} was done by half"
        if found.get(source) == after:
            self.live.pop(source, None)
            self.ids.pop(source, None)
            if after is not None:
                self.live[source] = edition


class Child:
    """The ingesting program. Started ahead, so that its imports run while the last kill is looked at."""

    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.ingesting", str(folder)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run_and_kill(self, seed: int, expected: Expected, steps: int, pause_s: float) -> None:
        """Let it do `steps` steps and then `pause_s` more; then SIGKILL, and read what it had said until then."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n"
        order = {"seed": seed, "next": expected.next_number, "live": expected.live}
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        until = expected.steps + steps
        while expected.steps < until:
            line = self.process.stdout.readline()
            assert line, "the program ended by itself"
            expected.read(line)
        time.sleep(pause_s)
        self.kill()
        for line in self.process.stdout:
            if line.endswith("\n"):
                expected.read(line)
        assert self.process.wait(PATIENCE_S) == -signal.SIGKILL

    def kill(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)

    def close(self) -> None:
        self.kill()
        self.process.communicate()


@pytest.mark.slow
async def test_a_kill_loses_nothing_acknowledged_and_shows_nothing_partial(tmp_path: Path) -> None:
    rng = random.Random(20240607)
    folder = tmp_path / "data"
    expected = Expected()
    child = Child(folder)
    killed_inside = 0
    try:
        for kill in range(KILLS):
            child.run_and_kill(kill, expected, rng.randint(1, 9), rng.random() * 0.03)
            child.process.communicate()
            killed_inside += expected.open_step is not None
            child = Child(folder)
            await check(folder, expected)
    finally:
        child.close()
    assert expected.steps >= KILLS
    assert killed_inside > 0, "no kill fell into a step"


async def check(folder: Path, expected: Expected) -> None:
    with DataFolder(folder):
        corpus, index, embedder = open_corpus(folder)
        threads = WorkerThreads(1)
        words = FtsIndex(folder / "corpus.sqlite3", threads)
        try:
            await corpus.repair()
            expected.adopt({one.source: await corpus.document_text(one.id) for one in corpus.documents()})
            await check_words(corpus, words, expected)
            await corpus.embed_pending()
            state = corpus.state()
            assert (state.pending_vectors, state.embedder) == (0, embedder.model)
            assert await index.count() == state.chunks
            chunk_ids: set[str] = set()
            for source, edition in expected.live.items():
                passages = await words.passages(await words.search(word(source, edition), 100))
                chunk_ids |= {passage.chunk_id for passage in passages}
                nearest = await index.query(embedder.vector(passages[0].text), 5)
                assert passages[0].chunk_id in {match.chunk_id for match in nearest}
            assert await index.chunk_ids() == chunk_ids
            await check_again(corpus, expected)
            assert await index.count() == state.chunks
            assert corpus.state() == state
            numbers = [int(one.source.removeprefix("doc").removesuffix(".md")) for one in corpus.documents()]
            expected.next_number = max([expected.next_number - 1, *numbers]) + 1
        finally:
            await words.close()
            threads.close()
            await corpus.close()
            await index.close()


async def check_words(corpus: DocumentCorpus, words: FtsIndex, expected: Expected) -> None:
    documents = {one.source: one for one in corpus.documents()}
    assert set(documents) == set(expected.live)
    for source, edition in expected.live.items():
        document = documents[source]
        assert expected.ids.get(source, document.id) == document.id
        expected.ids[source] = document.id
        assert await corpus.document_text(document.id) == content(source, edition).decode()
        found = await words.passages(await words.search(word(source, edition), 100))
        assert len(found) == document.chunks
        assert {passage.document_id for passage in found} == {document.id}
    for unique in expected.gone - {word(source, edition) for source, edition in expected.live.items()}:
        assert await words.search(unique, 5) == ()


async def check_again(corpus: DocumentCorpus, expected: Expected) -> None:
    for source, edition in expected.live.items():
        again = await corpus.add(source, content(source, edition))
        assert again.result is IngestResult.UNCHANGED
        assert again.document is not None
        assert again.document.id == expected.ids[source]
