"""What doctor says of the place where traces go: a Collector, and everything that is mistaken for one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from ops.stack.process import free_port
from service.cli.collector_check import collector
from service.cli.finding import Finding, State
from service.settings import Settings
from tests.components.collector import RunningCollector
from tests.fakes.otlp_sink import Fault, OtlpSink
from tests.fakes.stub_server import Stub

PROTOBUF = {"content-type": "application/x-protobuf"}


async def look(**settings: Any) -> Finding:
    (found,) = await collector(Settings(**settings))
    assert found.check == "Collector"
    assert found.todo or found.state in {State.OK, State.INFO}
    return found


@asynccontextmanager
async def speaking(words: bytes) -> AsyncIterator[int]:
    """A port that says `words` to whoever connects, and hangs up."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(words)
        await reader.readline()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def test_none_is_a_choice() -> None:
    assert (await look()).state is State.INFO


async def test_one_that_takes_traces_is_asked_at_the_path_that_spans_go_to(stub: Stub) -> None:
    stub.headers, stub.content = PROTOBUF, b"\n\x00"
    for settings in ({"otlp_endpoint": stub.url}, {"otlp_traces_endpoint": f"{stub.url}/v1/traces"}):
        found = await look(**settings)
        assert (found.state, found.seen) == (State.OK, f"{stub.url}/v1/traces takes traces")
    assert stub.seen == [("POST", "/v1/traces", "")] * 2


async def test_the_look_adds_no_span() -> None:
    with OtlpSink(Fault.NONE) as sink:
        assert (await look(otlp_traces_endpoint=sink.url)).state is State.OK
        assert (sink.calls, sink.spans) == (["none"], [])


@pytest.mark.real
async def test_the_real_one_takes_traces(real_collector: RunningCollector) -> None:
    assert (await look(otlp_endpoint=real_collector.url)).state is State.OK
    twice = await look(otlp_endpoint=f"{real_collector.url}/v1/traces")
    assert "Leave /v1/traces out" in twice.todo


async def test_nobody_there() -> None:
    found = await look(otlp_endpoint=f"http://127.0.0.1:{free_port()}")
    assert found.state is State.WARNING
    assert "connection refused" in found.seen
    assert "Start it" in found.todo
    assert "answers are not" in found.todo


async def test_the_port_of_grpc() -> None:
    # What a gRPC server says at once: its settings, as an HTTP/2 frame.
    async with speaking(bytes.fromhex("000006040000000000000500004000")) as port:
        found = await look(otlp_endpoint=f"http://127.0.0.1:{port}")
    assert found.state is State.WARNING
    assert "4317 is gRPC" in found.todo


async def test_a_base_address_that_has_the_path_already(stub: Stub) -> None:
    stub.status = 404
    found = await look(otlp_endpoint=f"{stub.url}/v1/traces/")
    assert (found.state, "Leave /v1/traces out of OTEL_EXPORTER_OTLP_ENDPOINT" in found.todo) == (State.WARNING, True)


async def test_the_traces_own_address_without_the_path(stub: Stub) -> None:
    stub.status = 404
    found = await look(otlp_traces_endpoint=stub.url)
    assert found.state is State.WARNING
    assert "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: it must look like http://127.0.0.1:4318/v1/traces" in found.todo


@pytest.mark.parametrize(("status", "content"), [(404, b"404 page not found"), (405, b""), (200, b"<html>")])
async def test_another_server_such_as_prometheus(stub: Stub, status: int, content: bytes) -> None:
    stub.status, stub.content, stub.headers = status, content, {"content-type": "text/plain"}
    found = await look(otlp_endpoint=stub.url)
    assert (found.state, f"takes no traces (status {status})" in found.seen) == (State.WARNING, True)
    assert "http://127.0.0.1:4318;" in found.todo


async def test_one_that_is_overloaded(stub: Stub) -> None:
    stub.status = 503
    assert "takes nothing now" in (await look(otlp_endpoint=stub.url)).seen


async def test_one_that_wants_credentials(stub: Stub) -> None:
    stub.status = 401
    found = await look(otlp_endpoint=stub.url)
    assert (found.state, "OTEL_EXPORTER_OTLP_HEADERS" in found.todo) == (State.INFO, True)


async def test_tls_where_there_is_none(stub: Stub) -> None:
    found = await look(otlp_endpoint=stub.url.replace("http:", "https:"))
    assert (found.state, "Write http://" in found.todo) == (State.WARNING, True)


@pytest.mark.parametrize("url", ["collector:4318", "grpc://collector:4317", "http://[::1", "http://a:99999"])
async def test_what_is_no_address(url: str) -> None:
    found = await look(otlp_endpoint=url)
    assert (found.state, "http://127.0.0.1:4318" in found.todo) == (State.WARNING, True)


async def test_a_password_in_the_address_is_not_shown(stub: Stub) -> None:
    found = await look(otlp_endpoint=stub.url.replace("//", "//me:secret@"))
    assert "secret" not in found.seen + found.todo
