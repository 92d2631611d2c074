"""The real Collector with the shipped configuration: what it takes, masks, keeps, refuses and loses."""

import json
import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

from ops.stack.process import ComponentFailed, wait_until
from service.ask.types import Outcome
from service.telemetry.catalogue import Attribute
from service.telemetry.content import messages_json
from tests.components.fixtures import require
from tests.components.shipped_collector import (
    ENQUEUE_FAILED,
    MEMORY_REFUSED,
    METRICS,
    METRICS_OF_SPANS,
    SAMPLING,
    SEND_FAILED,
    TO_FILE,
    ShippedCollector,
)
from tests.components.spans import from_json
from tests.fakes.otlp_sink import Fault, OtlpSink
from tests.telemetry.wired import Wired

pytestmark = pytest.mark.real

ARRIVAL_S = 15.0
KEY = f"erag_0a1b2c3d4e5f_{secrets.token_urlsafe(32)}"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
PEM = "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIK\noAoGCCqGSM49\n-----END EC PRIVATE KEY-----\n"
SECRETS = {
    f"wrong key: {KEY}": KEY,
    "Authorization: Bearer abcdef.GHIJKL-0123456789==": "abcdef.GHIJKL-0123456789==",
    "authorization=Basic dXNlcjpwYXNzd29yZA==": "dXNlcjpwYXNzd29yZA",
    f"cookie {JWT}; path=/": JWT,
    f"read {PEM}": "MHcCAQEEIK",
    PEM[:50]: "MHcCAQEEIK",
    "dsn user=me password=hunter22 host=db": "hunter22",
    '{"api_key": "abcdef123456"}': "abcdef123456",
    "client_secret='s3cr3t-value'": "s3cr3t-value",
    "http://127.0.0.1/?access_token=abcdef123&x=1": "abcdef123",
    "https://me:hunter22@chroma:8000/api": "hunter22",
}
HARMLESS = (
    "qwen2.5-coder:14b",
    "sha256:3f8eb4da87fa7a3c9da615036b0dc418d31fef2a30b115ff33562588b32c691d",
    "http://127.0.0.1:11434/api/chat",
    "http://[::1]:8000/api/v2/tenants/default_tenant",
    "The password is not in the documents. A secret ballot: see there. Bearer of good news.",
    "max_tokens=400 num_ctx=8192 top_k=5",
    "0af7651916cd43dd8448eb211c80319c",
    "SELECT id FROM chunks WHERE id IN (?)",
    "documents/2024-03-01_basic authorization.md",
)


def _attribute(key: str, value: str | bool) -> KeyValue:
    pair = KeyValue(key=key)
    if isinstance(value, bool):
        pair.value.bool_value = value
    else:
        pair.value.string_value = value
    return pair


def _span(name: str = "work", seconds: float = 0.1, failed: bool = False, **attributes: str | bool) -> Span:
    start_ns = time.time_ns() - int(seconds * 1e9)
    return Span(
        trace_id=secrets.token_bytes(16),
        span_id=secrets.token_bytes(8),
        name=name,
        start_time_unix_nano=start_ns,
        end_time_unix_nano=start_ns + int(seconds * 1e9),
        attributes=[_attribute(key, value) for key, value in attributes.items()],
        status=Status(code=Status.STATUS_CODE_ERROR) if failed else None,
    )


def _group(spans: Iterable[Span]) -> ResourceSpans:
    return ResourceSpans(scope_spans=[ScopeSpans(spans=list(spans))])


def _arrived(sink: OtlpSink, spans: Iterable[Span]) -> list[Span]:
    """These spans as they arrived, when all of them have."""
    wanted = {span.span_id for span in spans}
    wait_until(lambda: wanted <= {span.span_id for span in sink.spans}, ARRIVAL_S, f"{len(wanted)} spans at the sink")
    return [span for span in sink.spans if span.span_id in wanted]


def _values(span: Span) -> dict[str, Any]:
    return {pair.key: getattr(pair.value, str(pair.value.WhichOneof("value"))) for pair in span.attributes}


def _base_url(sink: OtlpSink) -> str:
    return sink.url.removesuffix("/v1/traces")


@pytest.fixture(scope="module")
def sink() -> Iterator[OtlpSink]:
    with OtlpSink() as running:
        yield running


@pytest.fixture(scope="module")
def collector(sink: OtlpSink, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ShippedCollector]:
    program = require("otelcol")
    with ShippedCollector(program, tmp_path_factory.mktemp("shipped"), _base_url(sink)) as running:
        yield running


async def test_every_attribute_of_a_real_answer_arrives_unchanged(collector: ShippedCollector, sink: OtlpSink) -> None:
    wired = Wired(capture=True)
    await wired.events("Why is the sky blue?")
    sent = encode_spans(wired.spans()).resource_spans
    spans = [span for group in sent for of_scope in group.scope_spans for span in of_scope.spans]
    assert len(spans) > 10
    assert collector.send(sent).status_code == 200
    arrived = {span.span_id: span for span in _arrived(sink, spans)}
    assert [arrived[span.span_id] for span in spans] == spans


def test_secrets_in_values_are_masked_and_what_only_looks_like_one_is_not(
    collector: ShippedCollector, sink: OtlpSink
) -> None:
    texts = {f"secret {number}": text for number, text in enumerate(SECRETS)}
    plain = {f"harmless {number}": text for number, text in enumerate(HARMLESS)}
    span = _span(**texts, **plain)
    collector.send([_group([span])])
    (arrived,) = _arrived(sink, [span])
    values = _values(arrived)
    assert {key: values[key] for key in plain} == plain
    for key, text in texts.items():
        assert "****" in values[key]
        assert SECRETS[text] not in values[key]


def test_secrets_are_masked_wherever_an_attribute_can_be(collector: ShippedCollector, sink: OtlpSink) -> None:
    span = _span()
    listed = span.attributes.add(key="list")
    listed.value.array_value.values.add(string_value=KEY)
    mapped = span.attributes.add(key="map").value.kvlist_value.values.add(key="inside")
    mapped.value.string_value = KEY
    span.events.add(name="exception", attributes=[_attribute("exception.message", f"no key {KEY}")])
    group = _group([span])
    group.resource.attributes.append(_attribute("process.command_line", f"ask --key {KEY}"))
    before = len(sink.groups)
    collector.send([group])
    _arrived(sink, [span])
    assert KEY.encode() not in b"".join(one.SerializeToString() for one in sink.groups[before:])


def test_messages_that_hold_a_secret_are_json_afterwards(collector: ShippedCollector, sink: OtlpSink) -> None:
    said = messages_json([("user", text) for text in SECRETS], max_bytes=100_000)
    span = _span(messages=said)
    collector.send([_group([span])])
    (arrived,) = _arrived(sink, [span])
    masked = _values(arrived)["messages"]
    assert len(json.loads(masked)) == len(SECRETS)
    assert [secret for secret in SECRETS.values() if secret in masked] == []


def test_its_own_metrics_have_the_names_that_rules_use(collector: ShippedCollector, sink: OtlpSink) -> None:
    span = _span()
    collector.send([_group([span])])
    _arrived(sink, [span])
    wait_until(lambda: set(METRICS_OF_SPANS) <= set(collector.metrics()), ARRIVAL_S, "metrics of spans")
    page = collector.metrics()
    assert set(METRICS) <= set(page)
    assert page["otelcol_exporter_queue_capacity"] == 400_000_000
    assert page["otelcol_receiver_accepted_spans"] > 0
    assert page["otelcol_receiver_refused_spans"] == 0


def test_what_tempo_refuses_for_good_is_counted(collector: ShippedCollector, sink: OtlpSink) -> None:
    before = collector.metrics().get(SEND_FAILED, 0.0)
    sink.fault = Fault.BAD_REQUEST
    try:
        collector.send([_group([_span()])])
        wait_until(
            lambda: collector.metrics().get(SEND_FAILED, 0.0) == before + 1,
            ARRIVAL_S,
            "the refused span in the metrics",
        )
    finally:
        sink.fault = Fault.NONE


@pytest.mark.parametrize("end", [ShippedCollector.kill, ShippedCollector.stop], ids=["killed", "stopped"])
def test_what_waits_for_tempo_survives_the_end_of_the_collector(
    end: Callable[[ShippedCollector], None], tmp_path: Path
) -> None:
    with OtlpSink() as sink:
        collector = ShippedCollector(require("otelcol"), tmp_path, _base_url(sink))
        batches = [[_span() for _ in range(20)] for _ in range(10)]
        with sink.away(), collector:
            assert {collector.send([_group(batch)]).status_code for batch in batches} == {200}
            end(collector)
        assert sink.spans == []
        with collector:
            _arrived(sink, [span for batch in batches for span in batch])


def test_an_outage_of_tempo_ends_without_help_and_without_loss(collector: ShippedCollector, sink: OtlpSink) -> None:
    spans = [_span() for _ in range(50)]
    with sink.away():
        for span in spans:
            assert collector.send([_group([span])]).status_code == 200
        wait_until(lambda: collector.metrics()["otelcol_exporter_queue_size"] > 0, ARRIVAL_S, "spans wait")
    _arrived(sink, spans)
    wait_until(lambda: collector.metrics()["otelcol_exporter_queue_size"] == 0, ARRIVAL_S, "nothing waits")


def test_a_full_queue_tells_the_sender_to_come_again(tmp_path: Path) -> None:
    small = tmp_path / "small.yml"
    small.write_text("exporters: {otlp_http/tempo: {sending_queue: {queue_size: 20000}}}\n")
    with ShippedCollector(require("otelcol"), tmp_path / "collector", overlays=[small]) as collector:
        answers = [collector.send([_group([_span(text="x" * 3000)])]) for _ in range(10)]
        assert (answers[0].status_code, answers[-1].status_code) == (200, 503)
        assert b"sending queue is full" in answers[-1].content
        page = collector.metrics()
        refused = sum(answer.status_code == 503 for answer in answers)
        assert page[ENQUEUE_FAILED] == refused
        assert page["otelcol_receiver_refused_spans"] == refused
        assert page["otelcol_exporter_queue_size"] <= page["otelcol_exporter_queue_capacity"] == 20000


def test_short_of_memory_it_tells_the_sender_to_come_again(tmp_path: Path) -> None:
    variables = {"COLLECTOR_MEMORY_MIB": "1"}
    with ShippedCollector(require("otelcol"), tmp_path, variables=variables) as collector:
        refused = collector.send([_group([_span()])])

        def limited() -> bool:
            nonlocal refused
            refused = collector.send([_group([_span()])])
            return refused.status_code != 200

        wait_until(limited, ARRIVAL_S, "the memory limiter refuses")
        assert refused.status_code == 503
        assert b"high memory usage" in refused.content
        assert collector.metrics()[MEMORY_REFUSED] >= 1
        assert collector.metrics()["otelcol_receiver_refused_spans"] >= 1
        assert collector.running


def test_a_queue_folder_that_it_cannot_have_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    place = str(tmp_path / "file" / "queue")
    collector = ShippedCollector(require("otelcol"), tmp_path, variables={"COLLECTOR_QUEUE_DIR": place})
    with pytest.raises(ComponentFailed, match="not a directory") as error:
        collector.start()
    assert place in str(error.value)


def _zeros(data: bytes) -> bytes:
    """As a disk that lost what it was last told: the beginning is there, the rest is empty."""
    return data[:8192] + bytes(len(data) - 8192)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda data: secrets.token_bytes(len(data)), "invalid database"),
        (lambda data: data[:5000], "file size too small"),
        (_zeros, "go.etcd.io/bbolt"),
    ],
    ids=["garbage", "cut", "zeros"],
)
def test_a_damaged_queue_is_told_and_one_command_moves_it_aside(
    damage: Callable[[bytes], bytes], words: str, tmp_path: Path
) -> None:
    with OtlpSink() as sink:
        collector = ShippedCollector(require("otelcol"), tmp_path, _base_url(sink))
        with sink.away(), collector:
            for _ in range(50):
                collector.send([_group([_span()])])
            collector.kill()
        (file,) = collector.queue.iterdir()
        file.write_bytes(damage(file.read_bytes()))
        with pytest.raises(ComponentFailed) as error:
            collector.start()
        assert words in str(error.value)
        # What the runbook says.
        collector.queue.rename(collector.queue.with_name("queue.damaged"))
        span = _span()
        with collector:
            collector.send([_group([span])])
            _arrived(sink, [span])


@pytest.mark.parametrize(
    ("overlay", "words"),
    [
        ("exporters: {otlp_http/tempo: {sending_queue: {storage: file_storage/other}}}", "no storage client extension"),
        ("processors: {redaction: {blocked_values: ['erag_[0-9']}}", "missing closing ]"),
    ],
    ids=["storage", "pattern"],
)
def test_a_mistake_that_only_a_start_finds_ends_it_with_a_reason(overlay: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "wrong.yml").write_text(overlay)
    collector = ShippedCollector(require("otelcol"), tmp_path, overlays=[tmp_path / "wrong.yml"])
    with pytest.raises(ComponentFailed) as error:
        collector.start()
    assert words in str(error.value)


def test_sampling_keeps_every_slow_failed_cold_and_unusual_trace(tmp_path: Path) -> None:
    variables = {"SAMPLING_DECISION_WAIT": "1s", "SAMPLING_PERCENT": "0"}
    wanted = {
        "slow": _span(seconds=11.0),
        "failed": _span(failed=True),
        "cold": _span(**{Attribute.COLD: True}),
        **{word: _span(**{Attribute.OUTCOME: word}) for word in set(Outcome) - {Outcome.OK, Outcome.NO_CONTEXT}},
    }
    ordinary = {
        "quick": _span(seconds=9.0),
        "warm": _span(**{Attribute.COLD: False}),
        **{word: _span(**{Attribute.OUTCOME: word}) for word in (Outcome.OK, Outcome.NO_CONTEXT)},
    }
    # A part of a trace that comes late and on its own shares the fate of the rest.
    late = _span()
    late.trace_id = wanted["slow"].trace_id
    with (
        OtlpSink() as sink,
        ShippedCollector(
            require("otelcol"), tmp_path, _base_url(sink), overlays=[SAMPLING], variables=variables
        ) as collector,
    ):
        collector.send([_group([*wanted.values(), *ordinary.values()])])
        _arrived(sink, wanted.values())
        collector.send([_group([late])])
        _arrived(sink, [late])
        dropped = {span.span_id: name for name, span in ordinary.items()}
        assert [dropped[span.span_id] for span in sink.spans if span.span_id in dropped] == []


def test_without_tempo_traces_are_in_a_file_that_goes_on_after_a_kill(tmp_path: Path) -> None:
    collector = ShippedCollector(require("otelcol"), tmp_path, overlays=[TO_FILE])
    sent = []

    def written() -> bool:
        lines = collector.traces_file.read_text().splitlines() if collector.traces_file.exists() else []
        found = {span["span_id"] for line in lines for span in from_json(json.loads(line))}
        return {span.span_id.hex() for span in sent} <= found

    for _ in range(2):
        sent.append(_span(key=KEY))
        with collector:
            collector.send([_group(sent[-1:])])
            wait_until(written, ARRIVAL_S, "the span in the file")
            collector.kill()
    assert KEY not in collector.traces_file.read_text()
