"""Parts of the installation die, are away or run out of space: what was accepted arrives, answers never notice.

Every test asserts that its fault was really there. A sink stands in Tempo's place here even where there is a Tempo:
these tests count what arrives, and take the receiver away.
"""

import random
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ops.stack.process import ComponentFailed, wait_until
from tests.components.asking import Asked, Asking
from tests.components.installation import SERVICE, SERVICE_SETTINGS, Installation, installed
from tests.components.ollama import RunningOllama
from tests.components.service import RunningService
from tests.components.small_disk import SmallDisk

AWAY_S = 60.0
WITHIN_S = 30.0
# The Collector tries again every 30 s at the latest; a machine that is busy may add some.
DRAINED_S = 90.0
QUESTIONS = [f"What is {subject}?" for subject in (
    "momentum trading", "a stop order", "slippage", "VWAP", "a moving average", "a margin call", "a tick", "a gap",
)]  # fmt: skip
ROOMY = 8 << 20
# Enough that the file holds pages beyond what a cut leaves of it: its first two say where the others are.
QUEUED_BYTES = 200_000
KEPT_BYTES = 12 << 10


@pytest.fixture(scope="module")
def standing(real_ollama: RunningOllama, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with installed(tmp_path_factory.mktemp("outages"), real_ollama, with_tempo=False) as running:
        yield running


def answers_of(asked: list[Asked]) -> dict[str, set[str]]:
    """What every question was answered with."""
    answers: dict[str, set[str]] = {}
    for one in asked:
        answers.setdefault(one.query, set()).add(one.text)
    return answers


def lost(standing: Installation) -> float:
    """Spans that the service itself says were lost, once it holds back none."""
    service = standing.service

    def decided() -> bool:
        sent = service.value("rag_trace_spans_total")
        dropped = service.value("otel_sdk_processor_span_processed_total", error_type="queue_full")
        waiting = service.value("otel_sdk_processor_span_queue_size")
        return waiting == 0 and sent + dropped >= service.value("rag_trace_spans_ended_total") > 0

    wait_until(decided, WITHIN_S, "the service has sent or given up every span")
    return service.value("rag_trace_spans_ended_total") - delivered(standing)


def delivered(standing: Installation) -> float:
    """Spans that a Collector has acknowledged to the service."""
    return standing.service.value("rag_trace_spans_total", result="delivered")


def arrived(standing: Installation) -> set[str]:
    """Ids of the spans that have come out behind the Collector."""
    return {span["span_id"] for span in standing.sink_store.all()}


def assert_all_of_it_arrives(standing: Installation, seen: Callable[[str], None], what: str) -> None:
    """Nothing that was acknowledged is lost, whatever happened; the rest is what the service counted as lost."""
    given_up = lost(standing)
    acknowledged = delivered(standing)
    wait_until(lambda: len(arrived(standing)) >= acknowledged, DRAINED_S, "every acknowledged span arrives")
    twice = len(standing.sink_store.all()) - len(arrived(standing))
    seen(f"  {what}: {acknowledged:g} spans acknowledged, all arrived; {twice} twice; {given_up:g} lost and counted")


def kill_and_start(standing: Installation) -> None:
    """The Collector dies and comes back."""
    collector = standing.stack.parts["otelcol"]
    pid = collector.pid
    collector.kill()
    assert not collector.running
    collector.start()
    assert collector.pid != pid


def test_a_collector_killed_three_times_and_a_backend_away_for_a_minute_lose_nothing_that_was_accepted(
    standing: Installation, seen: Callable[[str], None]
) -> None:
    with Asking(standing.service.url, QUESTIONS) as asking:

        def load_for(seconds: float) -> None:
            asked, until = len(asking.asked), time.monotonic() + seconds
            wait_until(lambda: time.monotonic() > until and len(asking.asked) > asked, AWAY_S, "time passes under load")

        load_for(2)
        kill_and_start(standing)
        with standing.sink.away():
            came = len(arrived(standing))
            load_for(AWAY_S / 2)
            kill_and_start(standing)
            load_for(AWAY_S / 2)
            waiting = standing.prometheus.value("otelcol_exporter_queue_size")
            assert waiting > AWAY_S
            assert len(arrived(standing)) == came
        # While it catches up.
        wait_until(lambda: len(arrived(standing)) > came, DRAINED_S, "the backend is used again")
        kill_and_start(standing)
        load_for(2)
    assert asking.failed == []
    assert_all_of_it_arrives(standing, seen, f"Collector killed three times, backend away {AWAY_S:g} s")
    missing = {one.trace_id for one in asking.asked} - {span["trace_id"] for span in standing.sink_store.all()}
    assert len(missing) <= lost(standing)


def test_without_a_collector_answers_are_the_same_and_losses_are_counted(standing: Installation) -> None:
    collector = standing.stack.parts["otelcol"]
    with Asking(standing.service.url, QUESTIONS, fresh_every=1) as before:
        wait_until(lambda: len(before.asked) >= 2 * len(QUESTIONS), WITHIN_S, "every question was asked")
    lost_before = lost(standing)
    collector.kill()
    try:
        with Asking(standing.service.url, QUESTIONS, fresh_every=1) as without:
            wait_until(lambda: len(without.asked) >= 2 * len(QUESTIONS), WITHIN_S, "every question was asked again")
        assert not collector.running
        assert (before.failed, without.failed) == ([], [])
        assert answers_of(without.asked) == answers_of(before.asked)
        assert lost(standing) > lost_before
        # Whoever looks at metrics alone sees it too: they do not go through the Collector.
        failed = f'rag_trace_spans_total{{job="{SERVICE}",result="failed"}}'
        standing.prometheus.until(failed, lambda spans: spans > 0)
        standing.prometheus.until('1 - up{job="otelcol"}')
    finally:
        collector.start()
    answer = standing.service.ask("What is a spread?")
    standing.sink_store.trace(answer["trace_id"])


def test_prometheus_killed_keeps_every_sample_it_had_scraped(standing: Installation) -> None:
    prometheus, part = standing.prometheus, standing.stack.parts["prometheus"]
    selector = f'rag_corpus_documents{{job="{SERVICE}"}}[1h]'
    for _ in range(3):
        prometheus.scraped(SERVICE)
        (before,) = prometheus.samples(selector)
        pid = part.pid
        part.kill()
        assert not part.running
        part.start()
        assert part.pid != pid
        (after,) = prometheus.samples(selector)
        assert after[: len(before)] == before
    prometheus.scraped(SERVICE)
    assert prometheus.value("prometheus_tsdb_wal_corruptions_total") == 0


def test_an_endpoint_where_no_collector_listens_is_told_and_nothing_else(
    standing: Installation, real_ollama: RunningOllama, tmp_path: Path
) -> None:
    wrong = standing.prometheus.url
    environment = {**SERVICE_SETTINGS, "RAG_OLLAMA__URL": real_ollama.url, "OTEL_EXPORTER_OTLP_ENDPOINT": wrong}
    with RunningService(tmp_path / "service", environment) as service:
        assert service.ask("What is slippage?")["answer"]
        wait_until(lambda: service.value("rag_trace_spans_total", result="failed") > 0, WITHIN_S, "spans are given up")
        assert service.value("rag_trace_spans_total", result="delivered") == 0
        assert service.ask("What is VWAP?")["answer"]
        told = [line for line in service.log_lines() if line["logger"].startswith("service.telemetry")]
    assert [line["level"] for line in told][:1] == ["WARNING"]
    assert "takes no traces" in told[0]["message"]
    assert "OTEL_EXPORTER_OTLP_ENDPOINT" in told[0]["message"]
    assert "404" in told[0]["message"]


@pytest.fixture
def disk(standing: Installation) -> Iterator[SmallDisk]:
    """The Collector's queue on a small disk of its own."""
    collector = standing.stack.parts["otelcol"]
    collector.stop()
    small = SmallDisk(standing.queue_folder, ROOMY)
    try:
        with small.mounted():
            collector.start()
            yield small
            collector.stop()
    finally:
        if not collector.running:
            collector.start()


def test_a_full_disk_under_the_queue_is_told_and_survived(
    standing: Installation, disk: SmallDisk, seen: Callable[[str], None]
) -> None:
    """What arrives is not counted here: taking something out of the queue is a write too, and the Collector drops what
    it cannot take out. Some of what waited is lost; what came before and after is not."""
    collector = standing.stack.parts["otelcol"]
    pid, came = collector.pid, len(arrived(standing))
    with standing.sink.away(), Asking(standing.service.url, QUESTIONS, per_s=50, fresh_every=1) as asking:
        standing.prometheus.until("otelcol_exporter_queue_size", lambda waiting: waiting > 0)
        disk.fill()
        standing.prometheus.until("otelcol_exporter_enqueue_failed_spans", lambda spans: spans > 0, DRAINED_S)
        wait_until(
            lambda: standing.service.value("rag_trace_spans_total", result="failed") > 0, WITHIN_S, "losses are counted"
        )
        assert "no space left on device" in collector.log.read_text(errors="replace")
        taken = delivered(standing)
        disk.make_room()
        wait_until(lambda: delivered(standing) > taken, WITHIN_S, "the Collector takes spans again")
    assert asking.failed == []
    assert collector.pid == pid and collector.running
    answer = standing.service.ask("What is a spread?", cache={"no-cache": True})
    standing.sink_store.trace(answer["trace_id"], timeout_s=DRAINED_S)
    standing.prometheus.until("otelcol_exporter_queue_size", lambda waiting: waiting == 0, DRAINED_S)
    assert len(arrived(standing)) > came
    missing = delivered(standing) - len(arrived(standing))
    seen(f"  disk of the queue full: {missing:g} of {delivered(standing):g} acknowledged spans were lost")


@pytest.mark.parametrize("damage", ["garbage", "cut short"])
def test_a_damaged_queue_is_named_and_the_collector_starts_without_it(standing: Installation, damage: str) -> None:
    collector = standing.stack.parts["otelcol"]
    with standing.sink.away():
        with Asking(standing.service.url, QUESTIONS, per_s=50):
            standing.prometheus.until("otelcol_exporter_queue_size", lambda held: held > QUEUED_BYTES)
        collector.kill()
        for path in [path for path in standing.queue_folder.iterdir() if path.is_file()]:
            content = path.read_bytes()
            damaged = random.Random(1).randbytes(len(content)) if damage == "garbage" else content[:KEPT_BYTES]
            path.write_bytes(damaged)
        with pytest.raises(ComponentFailed) as refused:
            collector.start()
        assert f"move {standing.queue_folder} aside" in str(refused.value)
    shutil.move(standing.queue_folder, standing.queue_folder.with_name(f"damaged by {damage}"))
    collector.start()
    answer = standing.service.ask("What is a spread?", cache={"no-cache": True})
    standing.sink_store.trace(answer["trace_id"])
