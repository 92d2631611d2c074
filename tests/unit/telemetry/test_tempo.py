"""Tempo over HTTP: what it says, and every way in which it may fail."""

import socket
from collections.abc import AsyncIterator

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

from ops.stack.process import free_port
from service.errors import ErrorKind, ServiceError
from service.monitoring.port import TraceSource
from service.telemetry import tempo as module
from service.telemetry.tempo import MAX_SPANS, Tempo, read_trace
from tests.fakes.tempo import FakeTempo, sample_trace

ID = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture
def server() -> FakeTempo:
    return FakeTempo()


@pytest.fixture
async def tempo(server: FakeTempo) -> AsyncIterator[Tempo]:
    with server:
        made = Tempo(f"http://user:secret@127.0.0.1:{server.port}/", 2.0)
        yield made
        await made.close()


async def test_a_trace_with_spans_by_start_and_every_kind_of_attribute(server: FakeTempo, tempo: Tempo) -> None:
    server.traces[ID] = sample_trace(ID)
    found = await tempo.find(ID)
    assert found is not None
    assert (found.trace_id, found.source, found.duration_s, found.dropped) == (ID, TraceSource.TEMPO, 2.5, 0)
    root, child = found.spans
    assert (root.name, root.kind, root.status, root.start_s, root.duration_s) == (
        "POST /ask",
        "server",
        "error",
        0,
        2.5,
    )
    assert (child.name, child.parent_id, child.start_s, child.duration_s) == ("route", root.span_id, 0.5, 0.25)
    assert root.attributes == {
        "text": "a", "number": 3, "share": 0.5, "flag": True, "list": ["a", 1], "map": {"k": 1}, "bytes": "ff",
        "none": None,
    }  # fmt: skip
    assert server.asked == [f"/api/traces/{ID}"]


async def test_an_unknown_id_is_nothing(server: FakeTempo, tempo: Tempo) -> None:
    assert await tempo.find(ID) is None
    server.traces[ID] = TracesData().SerializeToString()
    assert await tempo.find(ID) is None


@pytest.mark.parametrize(
    ("status", "body", "kind", "said"),
    [
        (500, b"secret words", ErrorKind.BAD_GATEWAY, "it answered 500"),
        (302, b"", ErrorKind.BAD_GATEWAY, "it answered 302"),
        (200, b"<html>secret words</html>", ErrorKind.BAD_GATEWAY, "cannot be read"),
    ],
)
async def test_what_is_no_trace_is_told(
    server: FakeTempo, tempo: Tempo, status: int, body: bytes, kind: ErrorKind, said: str
) -> None:
    server.replies.append((status, body))
    with pytest.raises(ServiceError, match=said) as raised:
        await tempo.find(ID)
    assert raised.value.kind is kind
    assert "secret" not in raised.value.detail
    assert f"127.0.0.1:{server.port}" in raised.value.detail


async def test_a_trace_that_is_too_large_is_told(
    server: FakeTempo, tempo: Tempo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MAX_BYTES", 1 << 20)
    server.replies.append((200, b"x" * (2 << 20)))
    with pytest.raises(ServiceError, match="larger than 1 MiB"):
        await tempo.find(ID)


async def test_nobody_there_and_nobody_who_answers() -> None:
    away = Tempo(f"http://127.0.0.1:{free_port()}", 2.0)
    with pytest.raises(ServiceError, match="cannot be reached: start it") as raised:
        await away.find(ID)
    assert raised.value.kind is ErrorKind.CONNECTION_ERROR
    await away.close()

    with socket.create_server(("127.0.0.1", 0)) as nobody_accepts:
        mute = Tempo(f"http://127.0.0.1:{nobody_accepts.getsockname()[1]}", 0.1)
        with pytest.raises(ServiceError, match=r"did not answer within 0\.1 s") as raised:
            await mute.find(ID)
        assert raised.value.kind is ErrorKind.TIMEOUT
        await mute.close()


def test_a_trace_of_very_many_spans_is_cut_and_says_so() -> None:
    data = TracesData.FromString(sample_trace(ID))
    spans = data.resource_spans[0].scope_spans[0].spans
    for number in range(MAX_SPANS + 5):
        spans.add(span_id=number.to_bytes(8, "big"), name="more", start_time_unix_nano=2_000_000_000 + number)
    found = read_trace(ID, data.SerializeToString())
    assert found is not None
    assert (len(found.spans), found.dropped) == (MAX_SPANS, 7)


def test_a_span_that_was_sent_twice_is_there_once() -> None:
    found = read_trace(ID, sample_trace(ID) + sample_trace(ID))
    assert found is not None
    assert len(found.spans) == 2
