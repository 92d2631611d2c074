"""Checkpoints of a real service while documents come in, and the way back, by the commands that people use."""

import os
import random
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ops.stack.process import wait_until
from service.store_swap import JOURNAL
from tests.components.checkpoint_stand import CheckpointStand
from tests.components.steady_ingestion import SteadyIngestion

ROUNDS = 3
KILLS = 3


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[CheckpointStand]:
    documents = tmp_path / "documents"
    documents.mkdir()
    for number in range(20):
        (documents / f"first{number}.md").write_text(f"Document {number} tells of momentum and of reversal {number}.")
    with CheckpointStand(tmp_path, documents) as running:
        yield running


def ids_in(data: Path) -> set[str]:
    """Of a data folder that nobody uses."""
    with closing(sqlite3.connect(f"file:{data / 'corpus.sqlite3'}?mode=ro&immutable=1", uri=True)) as db:
        return {row[0] for row in db.execute("SELECT id FROM documents WHERE state = 'ready'")}


def test_checkpoints_under_ingestion_hold_everything_acknowledged(
    stand: CheckpointStand, seen: Callable[[str], None]
) -> None:
    known: list[set[str]] = []
    with SteadyIngestion(stand.service.url) as ingestion:
        wait_until(lambda: len(ingestion.acknowledged) >= 20, 60, "documents come in")
        for number in range(ROUNDS):
            before = ingestion.before(time.monotonic())
            made = stand.told("create", f"c{number}")
            known.append(before)
            assert made["corpus"]["documents"] >= len(before)
            assert made["corpus"]["found_themselves"] == made["corpus"]["looked_for"] > 0
            assert made["durations_s"]["pause"] <= 5.0
        during = len(ingestion.acknowledged)
        wait_until(lambda: len(ingestion.acknowledged) > during + 20, 60, "documents come in after it too")
    assert ingestion.refused == []
    slowest = max(one.took_s for one in ingestion.acknowledged)
    seen(f"checkpoint: slowest upload beside {ROUNDS} checkpoints took {slowest:.2f} s")
    for number, before in enumerate(known):
        elsewhere = stand.folder / f"restored{number}"
        assert stand.told("restore", f"c{number}", "--yes", data=elsewhere)["kept"] is None
        assert before <= ids_in(elsewhere)
    pauses = "rag_checkpoint_pause_seconds_count"
    assert (stand.service.value(pauses, result="released"), stand.service.value(pauses, result="expired")) == (3, 0)


def test_going_back_with_the_service_stopped_and_started(stand: CheckpointStand) -> None:
    before = stand.document_ids()
    stand.told("create", "before")
    reply = stand.service.client.post("/documents", files={"file": ("later.md", b"This came later, and is to go.")})
    later = reply.json()["id"]
    refused = stand.command("restore", "before", "--yes")
    assert refused.returncode == 1
    assert "is in use" in refused.stderr
    assert later in stand.document_ids()
    with stand.handed_over() as options:
        told = stand.told("restore", "before", "--yes", *options)
        assert stand.document_ids() == before
        assert stand.service.ask("What tells of momentum?")["citations"]
        stand.told("restore", str(told["kept"]), "--yes", *options)
        assert stand.document_ids() == before | {later}
        listed = stand.command("list").stdout
        said = stand.service.log.read_text()
    assert "in use" in listed
    for name in ("before", str(told["kept"])):
        assert f"checkpoint {name} was restored, after" in said


def test_a_holder_that_dies_keeps_nobody_out(stand: CheckpointStand) -> None:
    held = stand.service.client.post("/checkpoint/hold", json={"for_s": 0.5}).json()
    assert stand.service.ask("What tells of momentum?")["answer"]
    reply = stand.service.client.post("/documents", files={"file": ("a.md", b"Written when the holder was gone.")})
    assert reply.status_code == 201
    released = stand.service.client.post("/checkpoint/release", json={"token": held["token"]})
    assert released.status_code == 404
    assert stand.service.value("rag_checkpoint_pause_seconds_count", result="expired") == 1


def test_a_killed_restore_ends_wholly_old_or_wholly_new_at_the_next_start(stand: CheckpointStand) -> None:
    restoring = ("restore", "then", "--yes", "--without-pre-checkpoint")
    then = stand.document_ids()
    stand.told("create", "then")
    stand.service.stop()
    began = time.monotonic()
    stand.told(*restoring)
    usual_s = time.monotonic() - began
    stand.service.start()
    rng = random.Random(7)
    for _ in range(KILLS):
        stand.service.client.post("/documents", files={"file": ("later.md", b"This came later, and may go.")})
        now = stand.document_ids()
        assert now > then
        stand.service.stop()
        restore = stand.begun(*restoring)
        until = time.monotonic() + rng.uniform(0.3, 1.0) * usual_s
        while time.monotonic() < until and restore.poll() is None:
            time.sleep(0.01)
        if restore.poll() is None:
            os.killpg(restore.pid, signal.SIGKILL)
        restore.wait()
        stand.service.start()
        assert stand.document_ids() in (then, now)
    stand.service.stop()
    stand.told(*restoring)
    assert not (stand.service.data / JOURNAL).exists()
    stand.service.start()
    assert stand.document_ids() == then
