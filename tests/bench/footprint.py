"""How much memory a full corpus takes, how quickly documents come in, and how soon the service is ready."""

import time
from pathlib import Path

from ops.stack.process import wait_until
from tests.bench.figures import Row, at_least, at_most
from tests.bench.plan import Plan
from tests.bench.processes import helper, resident_mb
from tests.components.service import NOWHERE, RunningService

GROUP = "Documents, memory and start"
METHOD = (
    "20,000 chunks of about 800 characters in 400 documents, read from the documents folder by the service as a user "
    "starts it. First without a model server (the rate of ingestion is then the service's own, and its start is in "
    "it), then, started again, with one that gives vectors of 768 dimensions, until every chunk has its vector in "
    "embedded Chroma. Memory is the resident set of the process, shared pages included, after another start and some "
    "questions. *Ready again*: from the start of the process, interpreter and imports included, to the first 200 of "
    "`/readyz`, the documents being there already."
)
_DOCUMENTS, _QUICK_DOCUMENTS = 400, 20
_PARAGRAPHS = 50
_PATIENCE_S = 600.0
_WORDS = "market price trend volume order risk signal average position return range session level move data"


def measure(plan: Plan) -> list[Row]:
    """Rows of this group."""
    folder = plan.part("footprint")
    count = plan.of(_DOCUMENTS, _QUICK_DOCUMENTS)
    _write(folder / "documents", count)
    environment = {"RAG_DOCUMENTS_DIR": str(folder / "documents")}
    with helper("model_server", folder) as ollama:
        plan.say("reading the documents")
        service = RunningService(folder, {**environment, "RAG_OLLAMA__URL": NOWHERE})
        began = time.monotonic()
        with service:
            wait_until(lambda: _documents(service) == count, _PATIENCE_S, "documents read")
            read_s = time.monotonic() - began
            chunks = service.value("rag_corpus_chunks")
        plan.say("embedding them")
        with RunningService(folder, {**environment, "RAG_OLLAMA__URL": ollama.url}) as service:
            wait_until(service.embedded, _PATIENCE_S, "documents embedded")
            for number in range(20):
                service.ask(f"What is the trend of the market in session {number}?")
        starts = []
        for turn in range(plan.of(5, 2)):
            plan.say(f"start {turn + 1}")
            again = RunningService(folder, {**environment, "RAG_OLLAMA__URL": ollama.url})
            began = time.monotonic()
            with again:
                starts.append(time.monotonic() - began)
                for number in range(20):
                    again.ask(f"What is the volume of order {number} in start {turn}?")
                now_mb, most_mb = resident_mb(again.pid)
    return [
        Row(GROUP, "chunks read, without embedding", chunks / read_s, "per s", at_least(800), f"{chunks:,.0f} chunks"),
        Row(GROUP, "memory with them embedded", now_mb, "MB", at_most(400), f"highest {most_mb:.0f} MB"),
        Row(GROUP, "ready again", sorted(starts)[len(starts) // 2], "s", at_most(3), f"best {min(starts):.2f} s"),
    ]


def _write(folder: Path, count: int) -> None:
    """Documents of which every paragraph is about a chunk."""
    folder.mkdir(parents=True, exist_ok=True)
    known = _WORDS.split()
    for number in range(count):
        paragraphs = []
        for part in range(_PARAGRAPHS):
            words = [f"{known[(number * 7 + part * 3 + at * at) % len(known)]}{(at * part) % 97}" for at in range(95)]
            paragraphs.append(f"Paragraph {number} {part}: {' '.join(words)}.")
        (folder / f"{number:04}.md").write_text(f"# Document {number}\n\n" + "\n\n".join(paragraphs), encoding="utf-8")


def _documents(service: RunningService) -> int:
    return int(service.value("rag_corpus_documents"))
