"""What doctor looks at over the network, with everything absent and with everything there."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pytest

from ops.stack.process import free_port
from service.cli import network_checks
from service.cli.finding import Finding, State
from service.cli.surroundings import Surroundings
from service.settings import Settings
from tests.fakes.model_directory import snapshot_of
from tests.fakes.model_store import FakeModelStore
from tests.fakes.stub_server import Stub
from tests.unit.cli.conftest import Shell


def nowhere(scheme: str = "http") -> str:
    return f"{scheme}://127.0.0.1:{free_port()}"


@asynccontextmanager
async def accepting() -> AsyncIterator[int]:
    """A port that accepts connections and says nothing."""
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


@contextmanager
def answering(content: bytes) -> Iterator[Stub]:
    with Stub() as stub:
        stub.content = content
        yield stub


def settings(**groups: Any) -> Settings:
    return Settings(**({"server": {"port": free_port()}, "metrics": {"port": free_port()}} | groups))


def states(findings: list[Finding]) -> dict[str, State]:
    return {finding.check: finding.state for finding in findings}


async def test_ports_that_are_free() -> None:
    assert states(await network_checks.ports(settings())) == {"service port": State.OK, "metrics port": State.OK}


async def test_no_metrics_port_is_fine() -> None:
    found = await network_checks.ports(settings(metrics={"port": 0}))
    assert states(found)["metrics port"] is State.OK


async def test_our_own_service_on_its_port_is_fine(shell: Shell, service: Callable[[], str]) -> None:
    found = await network_checks.ports(shell.settings)
    assert found[0].check == "service"
    assert found[0].state is State.OK
    assert "emini-rag 1.2.3 (test)" in found[0].seen


async def test_another_program_on_our_port_is_a_problem() -> None:
    with answering(b'{"hello": 1}') as stub:
        found = await network_checks.ports(settings(server={"port": int(stub.url.rpartition(":")[2])}))
    assert states(found)["service port"] is State.PROBLEM


@pytest.mark.parametrize("content", [b"[]", b"not json", b"\xff"])
async def test_whatever_another_program_says_is_survived(content: bytes) -> None:
    with answering(content) as stub:
        found = await network_checks.ports(settings(server={"port": int(stub.url.rpartition(":")[2])}))
    assert states(found)["service port"] is State.PROBLEM


async def test_ollama_away_is_a_warning() -> None:
    here = Surroundings(load_settings=lambda: settings(ollama={"url": nowhere()}))
    (found,) = await network_checks.ollama(here)
    assert (found.state, "ollama serve" in found.todo) == (State.WARNING, True)


async def test_answers_by_rule_need_no_server() -> None:
    (found,) = await network_checks.ollama(Surroundings(load_settings=lambda: settings(ollama={"url": "scripted:"})))
    assert found.state is State.INFO


async def test_each_model_is_told_with_how_to_get_it() -> None:
    store = FakeModelStore(snapshot_of({"llama3.2:3b": True}, missing=("gpt-oss:20b", "nomic-embed-text")))
    with answering(b'{"version": "0.33.1"}') as stub:
        here = Surroundings(load_settings=lambda: settings(ollama={"url": stub.url}), open_models=store.open)
        found = await network_checks.ollama(here)
    assert found[0].seen == f"{stub.url}, version 0.33.1"
    assert [(one.check, one.state) for one in found[1:]] == [
        ("model", State.OK),
        ("model", State.WARNING),
        ("embedding model", State.WARNING),
    ]
    assert found[2].todo == "Run `emini-rag models pull gpt-oss:20b`."


async def test_no_embedding_model_is_a_choice() -> None:
    store = FakeModelStore(snapshot_of({"llama3.2:3b": True}))
    wanted = settings(ollama={"url": nowhere()}, embedding={"model": ""})
    found = await network_checks.ollama(Surroundings(load_settings=lambda: wanted, open_models=store.open))
    assert states(found)["embedding model"] is State.INFO


async def test_a_chroma_server() -> None:
    with answering(b"{}") as stub:
        (found,) = await network_checks.chroma(settings(chroma={"url": stub.url}))
        assert found.state is State.OK
        assert stub.seen[0][1] == "/api/v2/heartbeat"
    (found,) = await network_checks.chroma(settings(chroma={"url": nowhere()}))
    assert (found.state, "RAG_CHROMA__URL" in found.todo) == (State.WARNING, True)


async def test_a_shared_cache_without_showing_its_password() -> None:
    async with accepting() as number:
        (found,) = await network_checks.valkey(settings(cache={"url": f"redis://:pass@127.0.0.1:{number}/0"}))
    assert (found.state, found.seen) == (State.OK, f"127.0.0.1:{number} listens")
    (found,) = await network_checks.valkey(settings(cache={"url": "redis://:pass@127.0.0.1:1/0"}))
    assert found.state is State.WARNING
    assert "pass@" not in found.seen + found.todo


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1", ""])
async def test_an_address_where_nobody_listens_is_a_warning(url: str) -> None:
    (found,) = await network_checks.valkey(settings(cache={"url": url}))
    assert found.state is State.WARNING
