"""`python -m tests.bench.stack [--quick]`: memory of every part of the native stack while people ask. Prints only.

Every part is the real program where it was found; what was not is named. The model server has tiny models where there
is an Ollama, else it is the one of the other measurements: its memory says nothing and is not shown.
"""

import argparse
import contextlib
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import httpx

from ops.components.find import find
from ops.stack.part import Part
from ops.stack.ports import Ports
from ops.stack.process import wait_until
from ops.stack.stack import Stack
from tests.bench.figures import Row, at_most
from tests.bench.page import bar_text, figure_text, verdict
from tests.bench.plan import Plan
from tests.bench.processes import helper, resident_mb
from tests.components.kernel import family
from tests.components.ollama import RunningOllama
from tests.components.service_client import ServiceClient

GROUP = "Memory of the stack"
# What is there to see, and not to answer.
OBSERVERS = ("prometheus", "alertmanager", "tempo", "grafana", "otelcol")
BAR = at_most(1000)
_SAMPLE_S = 0.5
_PATIENCE_S = 300.0
_REQUEST_S = 120.0
_ASKING = 4
_TOPICS = ("momentum", "a stop order", "slippage", "position size", "a drawdown", "volatility", "a spread")


@dataclass
class Memory:
    """Resident memory by part, in MB, sampled at the same moments. Children count to their part; pages that processes
    share count once for each, so that the sum is never too small."""

    samples: list[Mapping[str, float]] = field(default_factory=list)

    def highest(self, names: Sequence[str]) -> float:
        """The most that these parts had together at one moment."""
        return max(sum(sample.get(name, 0.0) for name in names) for sample in self.samples)

    def last(self, names: Sequence[str]) -> float:
        """What they had together in the end."""
        return sum(self.samples[-1].get(name, 0.0) for name in names)


class Watching:
    """Used in `with`: samples the memory of these parts twice a second until it is left."""

    def __init__(self, parts: Mapping[str, Part]) -> None:
        self.memory = Memory()
        self._parts = parts
        self._enough = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watching", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._enough.set()
        self._thread.join(_PATIENCE_S)
        self._sample()

    def _watch(self) -> None:
        while not self._enough.wait(_SAMPLE_S):
            self._sample()

    def _sample(self) -> None:
        self.memory.samples.append({name: resident_of_family_mb(part.pid) for name, part in self._parts.items()})


def resident_of_family_mb(pid: int) -> float:
    """Resident memory of a process and all its children."""
    total = 0.0
    for one in family(pid):
        # A child may end meanwhile.
        with contextlib.suppress(FileNotFoundError, KeyError):
            total += resident_mb(one)[0]
    return total


def questions(count: int) -> list[str]:
    """So many questions, each of them twice: a miss, and later a hit."""
    different = [f"What is {_TOPICS[number % len(_TOPICS)]} in case {number}?" for number in range(count // 2)]
    return [*different, *different]


def rows(memory: Memory, absent: Mapping[str, str], load: str) -> list[Row]:
    """The table: every part, then the observability side together against its bar."""
    names = list(memory.samples[-1])
    observers = [name for name in OBSERVERS if name in names]
    missing = [name for name in OBSERVERS if name in absent]
    lines = [Row(GROUP, name, memory.highest([name]), "MB", None, _note(memory, [name])) for name in names]
    without = f"; without {', '.join(missing)}: not found here" if missing else ""
    note = f"{_note(memory, observers)}{without}"
    return [
        *lines,
        Row(GROUP, "observability side together", memory.highest(observers), "MB", BAR, note),
        Row(GROUP, "everything together", memory.highest(names), "MB", None, load),
    ]


def table(lines: Sequence[Row]) -> str:
    """As text, one row a line."""
    cells = [("part", "highest memory", "bar", "reached", "note")]
    cells += [(row.what, figure_text(row), bar_text(row.bar, row.unit), verdict(row), row.note) for row in lines]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells
    )


def measure(plan: Plan) -> list[Row]:
    """Start everything, ask, and look."""
    with _model_server(plan) as url:
        ports = Ports.free()
        extra = {"RAG_OLLAMA__URL": url, "RAG_OLLAMA__POLL_S": "1", "RAG_RETRIEVAL__TOP_K": "1"}
        # Memory is measured, not speed: on a slow machine questions wait, where people would be turned away after 5 s.
        extra["RAG_DEADLINES__QUEUE_S"] = "100"
        stack = Stack(plan.part("stack"), ports, extra={"service": extra}, say=plan.say)
        with stack:
            service = ServiceClient(stack.parts["service"].url, ports.service_metrics, stack.parts["service"].log)
            wait_until(service.embedded, _PATIENCE_S, "documents embedded")
            service.close()
            wanted = questions(plan.of(600, 40))
            plan.say(f"asking {len(wanted)} questions")
            began = time.monotonic()
            with Watching(stack.parts) as watching:
                results = _ask(service.url, wanted)
            load = f"{len(wanted)} questions in {time.monotonic() - began:.0f} s, {results.count('hit')} of them hits"
            return rows(watching.memory, stack.absent, load)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print. The exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.stack", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer questions")
    wish = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        print(table(measure(Plan(Path(folder), wish.quick))))
    return 0


def _note(memory: Memory, names: Sequence[str]) -> str:
    return f"{memory.last(names):.0f} MB in the end"


@contextmanager
def _model_server(plan: Plan) -> Iterator[str]:
    folder = plan.part("models")
    if (program := find("ollama")) is None:
        plan.say("no Ollama was found: the model server is a stand-in")
        with helper("model_server", folder) as server:
            yield server.url
    else:
        plan.say("starting Ollama with tiny models")
        with RunningOllama(program, folder) as ollama:
            yield ollama.url


def _ask(url: str, wanted: Sequence[str]) -> list[str]:
    """Ask them, some at a time; what the cache said of each."""
    with httpx.Client(base_url=url, timeout=_REQUEST_S, trust_env=False) as client, ThreadPoolExecutor(_ASKING) as pool:

        def ask(query: str) -> str:
            reply = client.post("/ask", json={"query": query, "max_tokens": 32})
            reply.raise_for_status()
            return str(reply.json()["cache"]["result"])

        return list(pool.map(ask, wanted))


if __name__ == "__main__":
    sys.exit(main())
