"""`make checkpoint-drill`: checkpoints and restores of a real service while documents come in, until it is believed.

Prints what was asked for and what was seen, as the table of docs/checkpoints.md. Takes about half an hour; `--quick`
does a tenth of it. Exit status 1 when something was not as promised.
"""

import argparse
import os
import random
import shutil
import signal
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.components.checkpoint_stand import CheckpointStand
from tests.components.steady_ingestion import SteadyIngestion, text

_LARGE_BYTES = 100_000_000
_LARGE_WORDS = 3000
_PAUSE_S = 5.0


@dataclass
class Results:
    """Rows of the table; `failed` when one is not as promised."""

    rows: list[tuple[str, str, str]] = field(default_factory=list)
    failed: bool = False

    def add(self, what: str, seen: str, promised: str, *, kept: bool) -> None:
        self.rows.append((what, seen, promised))
        self.failed = self.failed or not kept
        print(f"{'ok  ' if kept else 'FAIL'} {what}: {seen} (promised: {promised})", flush=True)

    def table(self) -> str:
        lines = ["| what | seen | promised |", "|---|---|---|"]
        return "\n".join([*lines, *(f"| {what} | {seen} | {promised} |" for what, seen, promised in self.rows)])


@contextmanager
def standing() -> Iterator[CheckpointStand]:
    with tempfile.TemporaryDirectory(prefix="checkpoint-drill-") as folder:
        documents = Path(folder) / "documents"
        documents.mkdir()
        for number in range(20):
            (documents / f"first{number}.md").write_bytes(text(-1 - number, 100))
        with CheckpointStand(Path(folder), documents) as stand:
            yield stand


def under_ingestion(results: Results, rounds: int) -> None:
    """Each checkpoint is restored into a folder of its own, and everything acknowledged before it is looked for.
    Documents come in while checkpoints are made, and not meanwhile: the store would grow with the machine's load."""
    whole, refused, added, uploading_s = 0, 0, 0, 0.0
    pauses, took, restores, slowest = [], [], [], []
    known, themselves, before = 0, [0, 0], set[str]()
    with standing() as stand:
        for number in range(rounds):
            began = time.monotonic()
            with SteadyIngestion(stand.service.url, first=number * 100_000) as ingestion:
                while len(ingestion.acknowledged) < 40:
                    time.sleep(0.05)
                before |= ingestion.before(time.monotonic())
                made = stand.told("create", f"c{number}")
            uploading_s += time.monotonic() - began
            added += len(ingestion.acknowledged)
            refused += len(ingestion.refused)
            slowest.append(max(one.took_s for one in ingestion.acknowledged))
            elsewhere = stand.folder / f"restored{number}"
            restored = stand.told("restore", f"c{number}", "--yes", data=elsewhere)
            whole += before <= _ids(elsewhere)
            shutil.rmtree(elsewhere)
            before |= ingestion.before(time.monotonic())
            pauses.append(made["durations_s"]["pause"])
            took.append(made["durations_s"]["total"])
            restores.append(restored["took_s"])
            known += made["corpus"]["known_answers"]
            themselves[0] += made["corpus"]["found_themselves"]
            themselves[1] += made["corpus"]["looked_for"]
            documents = made["corpus"]["documents"]
            print(f"  {number + 1} of {rounds}: {documents} documents, {pauses[-1]:.3f} s", flush=True)
    results.add(
        f"{rounds} checkpoints while documents come in ({added / uploading_s:.0f}/s, {added:,} in all)",
        f"{whole} restored with every document acknowledged before; {refused} uploads refused",
        "all; none",
        kept=whole == rounds and not refused,
    )
    results.add(
        "known answers asked again, and vectors that find themselves",
        f"{known} of {known} as then; {themselves[0]:,} of {themselves[1]:,}",
        "all",
        kept=themselves[0] == themselves[1] > 0,
    )
    seen = f"{_spread(pauses)}; slowest upload {_spread(slowest)}"
    results.add("writers kept out", seen, f"at most {_PAUSE_S:g} s", kept=max(pauses) <= _PAUSE_S)
    results.add("a checkpoint in all; a restore in all", f"{_spread(took)}; {_spread(restores)}", "-", kept=True)


def large(results: Results, size: int, rounds: int) -> None:
    """The pause for a store of this size, with questions asked meanwhile."""
    with standing() as stand:
        with SteadyIngestion(stand.service.url, per_s=1000.0, words=_LARGE_WORDS, first=1_000_000) as filling:
            while _size(stand.service.data) < size:
                time.sleep(0.2)
        with SteadyIngestion(stand.service.url) as ingestion:
            made = [stand.told("create", f"large{number}") for number in range(rounds)]
            slowest = max(one.took_s for one in ingestion.acknowledged)
            refused = len(ingestion.refused) + len(filling.refused)
        pauses = [one["durations_s"]["pause"] for one in made]
        stored = sum(one["size"] for name, one in made[-1]["files"].items() if name.startswith("store/"))
        chunks = made[-1]["corpus"]["chunks"]
        results.add(
            f"writers kept out of {stored / 1e6:.0f} MB ({chunks:,} passages with vectors), {rounds} times",
            f"{_spread(pauses)}; slowest upload {slowest:.2f} s, {refused} refused",
            f"at most {_PAUSE_S:g} s; none",
            kept=max(pauses) <= _PAUSE_S and not refused,
        )
        with stand.handed_over() as options:
            name = f"large{rounds - 1}"
            began = time.monotonic()
            stand.told("restore", name, "--yes", *options)
            took = time.monotonic() - began
        results.add(
            "going back to it, with the present state kept first, the service stopped and started",
            f"{took:.0f} s",
            "-",
            kept=True,
        )


def killed(results: Results, kills: int) -> None:
    """kill -9 of the whole command at random moments, then the service starts, then a repeat."""
    rng, outcomes = random.Random(20260830), {"old": 0, "new": 0, "neither": 0}
    with standing() as stand:
        then = stand.document_ids()
        stand.told("create", "then")
        stand.service.client.post("/documents", files={"file": ("later.md", text(5, 100))}).raise_for_status()
        now = stand.document_ids()
        stand.told("create", "now")
        stand.service.stop()
        began = time.monotonic()
        stand.told("restore", "then", "--yes", "--without-pre-checkpoint")
        usual = time.monotonic() - began
        stand.told("restore", "now", "--yes", "--without-pre-checkpoint")
        for _ in range(kills):
            restore = stand.begun("restore", "then", "--yes", "--without-pre-checkpoint")
            until = time.monotonic() + rng.uniform(0.2, usual * 1.1)
            while time.monotonic() < until and restore.poll() is None:
                time.sleep(0.005)
            if restore.poll() is None:
                os.killpg(restore.pid, signal.SIGKILL)
            restore.wait()
            stand.service.start()
            found = stand.document_ids()
            outcomes["old" if found == now else "new" if found == then else "neither"] += 1
            stand.service.stop()
            stand.told("restore", "now", "--yes", "--without-pre-checkpoint")
        ended = _ids(stand.service.data) == now
    results.add(
        f"restore killed (-9) at {kills} random moments",
        f"{outcomes['old']} wholly old, {outcomes['new']} wholly new, {outcomes['neither']} neither; "
        f"every repeat finished: {'yes' if ended else 'no'}",
        "never neither; yes",
        kept=not outcomes["neither"] and ended,
    )


def _ids(data: Path) -> set[str]:
    with closing(sqlite3.connect(f"file:{data / 'corpus.sqlite3'}?mode=ro&immutable=1", uri=True)) as db:
        return {row[0] for row in db.execute("SELECT id FROM documents WHERE state = 'ready'")}


def _size(data: Path) -> int:
    files = [*data.glob("corpus.sqlite3*"), *(data / "chroma").rglob("*")]
    return sum(path.stat().st_size for path in files if path.is_file())


def _spread(seconds: Sequence[float]) -> str:
    return f"median {statistics.median(seconds):.2f} s, at most {max(seconds):.2f} s"


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="make checkpoint-drill", description="Checkpoints until they are believed.")
    parser.add_argument("--quick", action="store_true", help="a tenth of it")
    parser.add_argument("--only", choices=["ingestion", "large", "killed"], help="one part of it")
    given = parser.parse_args(words)
    results = Results()
    parts = {
        "ingestion": lambda: under_ingestion(results, 2 if given.quick else 20),
        "large": lambda: large(results, _LARGE_BYTES // (10 if given.quick else 1), 2 if given.quick else 5),
        "killed": lambda: killed(results, 2 if given.quick else 20),
    }
    for name, part in parts.items():
        if given.only in (None, name):
            part()
    print("\n" + results.table())
    return int(results.failed)


if __name__ == "__main__":
    sys.exit(main())
