"""The embedder against a server that is slow, away, changed, or wrong."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from service.clock import SystemClock
from service.embedding.ollama import OllamaEmbedder
from service.embedding.port import Purpose
from service.errors import BadDependencyReply, DependencyTimeout, DependencyUnavailable, ErrorKind
from service.ollama.client import make_client
from service.routing.ollama import OllamaModelDirectory
from tests.fakes.clock import ManualClock
from tests.fakes.ollama_models import FakeModel
from tests.fakes.ollama_server import FakeOllama, Fault
from tests.fakes.waiting import until

MODEL = "nomic-embed-text"


@dataclass
class Rig:
    server: FakeOllama
    directory: OllamaModelDirectory
    embedder: OllamaEmbedder
    clock: ManualClock

    @property
    def model(self) -> FakeModel:
        return self.server.model(MODEL)

    def embedded(self) -> list[dict[str, object]]:
        return self.server.bodies("/api/embed")


@asynccontextmanager
async def running(*, query_timeout_s: float = 5.0, identify_s: float = 5.0) -> AsyncIterator[Rig]:
    async with FakeOllama() as server:
        client = make_client(server.url)
        directory = OllamaModelDirectory(client, (MODEL,), SystemClock())
        await directory.refresh()
        clock = ManualClock()
        embedder = OllamaEmbedder(
            client,
            MODEL,
            snapshot=directory.snapshot,
            clock=clock,
            query_timeout_s=query_timeout_s,
            identify_s=identify_s,
        )
        try:
            yield Rig(server, directory, embedder, clock)
        finally:
            await embedder.close()
            await client.close()


async def test_sends_prefix_and_truncation_and_keep_alive() -> None:
    async with running() as rig:
        await rig.embedder.embed(["a", "b"], purpose=Purpose.DOCUMENT)
        await rig.embedder.embed(["c"])
        documents, query = rig.embedded()
    assert documents["input"] == ["search_document: a", "search_document: b"]
    assert query["input"] == ["search_query: c"]
    assert query["truncate"] is True
    assert query["keep_alive"] == "30m"


async def test_dimensions_are_found_out_once() -> None:
    async with running() as rig:
        first = await rig.embedder.identify()
        assert first is not None
        assert (first.digest, first.dimensions) == (rig.model.digest, 32)
        assert [await rig.embedder.identify() for _ in range(3)] == [first] * 3
        assert len(rig.embedded()) == 1


async def test_many_who_ask_at_once_cause_one_call() -> None:
    async with running() as rig:
        found = await asyncio.gather(*(rig.embedder.identify() for _ in range(20)))
        assert len(set(found)) == 1
        assert len(rig.embedded()) == 1


async def test_nobody_waits_for_a_slow_load_and_it_goes_on_behind() -> None:
    async with running(identify_s=0.02) as rig:
        rig.model.load_s = 0.3
        assert await rig.embedder.identify() is None
        assert rig.server.disconnects == 0, "leaving would have stopped the load"
        await until(lambda: rig.model.resident)
        await asyncio.sleep(0)
        async with asyncio.timeout(5):
            while await rig.embedder.identify() is None:
                await asyncio.sleep(0.005)
        assert rig.server.loads[rig.model.name] == 1


async def test_a_question_that_waited_in_vain_has_the_model_loaded_for_the_next() -> None:
    async with running(query_timeout_s=0.05) as rig:
        assert await rig.embedder.identify() is not None
        rig.model.resident = False
        rig.model.load_s = 0.3
        rig.clock.advance(0.0)
        embedding = asyncio.create_task(rig.embedder.embed(["momentum"]))
        await until(lambda: len(rig.embedded()) == 2)
        rig.clock.advance(0.05)
        with pytest.raises(DependencyTimeout) as caught:
            await embedding
        assert caught.value.detail == "no vector from nomic-embed-text within 0.05 s"
        assert await rig.embedder.identify() is None, "it is being loaded"
        await until(lambda: rig.model.resident)
        async with asyncio.timeout(5):
            while await rig.embedder.identify() is None:
                await asyncio.sleep(0.005)


async def test_a_caller_with_a_shorter_deadline_starts_that_load_too() -> None:
    async with running(query_timeout_s=5.0) as rig:
        assert await rig.embedder.identify() is not None
        rig.server.faults.append(Fault(hang_before=True))
        embedding = asyncio.create_task(rig.embedder.embed(["momentum"]))
        await until(lambda: len(rig.embedded()) == 2)
        rig.clock.advance(4.9)
        embedding.cancel()
        with pytest.raises(asyncio.CancelledError):
            await embedding
        await until(lambda: len(rig.embedded()) == 3)


async def test_a_failed_look_is_not_repeated_at_once(caplog: pytest.LogCaptureFixture) -> None:
    async with running() as rig:
        rig.server.fault = Fault(status=500)
        with caplog.at_level(logging.WARNING):
            assert [await rig.embedder.identify() for _ in range(5)] == [None] * 5
        assert len(rig.embedded()) == 1
        assert MODEL in caplog.text
        rig.server.fault = None
        rig.clock.advance(5.0)
        assert await rig.embedder.identify() is not None


async def test_a_model_pulled_anew_is_another_embedder() -> None:
    async with running() as rig:
        before = await rig.embedder.identify()
        rig.model.digest, rig.model.dimensions = "f" * 64, 16
        with pytest.raises(BadDependencyReply, match="changed"):
            await rig.embedder.embed(["momentum"])
        await rig.directory.refresh()
        after = await rig.embedder.identify()
        assert before is not None
        assert after is not None
        assert (after.digest, after.dimensions) == ("f" * 64, 16)
        assert (await rig.embedder.embed(["momentum"])).embedder == after


async def test_one_that_vanished_since_the_poll_is_unavailable() -> None:
    async with running() as rig:
        del rig.server.models["nomic-embed-text:latest"]
        with pytest.raises(DependencyUnavailable) as caught:
            await rig.embedder.embed(["momentum"])
        assert "emini-rag models pull nomic-embed-text" in caught.value.detail
        await rig.server.kill()
        with pytest.raises(DependencyUnavailable):
            await rig.embedder.embed(["momentum"])


async def test_a_refused_text_is_halved_until_it_fits() -> None:
    async with running() as rig:
        rig.server.faults.extend([Fault(status=400), Fault(status=400)])
        assert len((await rig.embedder.embed(["x" * 4000, "short"])).vectors) == 2
        sizes = [[len(text) for text in body["input"]] for body in rig.embedded()]  # type: ignore[attr-defined]
        assert sizes == [[4014, 19], [2007, 19], [1003, 19]]
        rig.server.fault = Fault(status=400)
        with pytest.raises(BadDependencyReply) as caught:
            await rig.embedder.embed(["short"])
        assert caught.value.kind is ErrorKind.BAD_REQUEST


@pytest.mark.parametrize("vector", [(), (0.0, 0.0), (float("nan"), 1.0), (float("inf"), 1.0)])
async def test_vectors_that_point_nowhere_are_refused(vector: tuple[float, ...]) -> None:
    async with running() as rig:
        rig.model.vector = vector
        with pytest.raises(BadDependencyReply) as caught:
            await rig.embedder.embed(["momentum"])
        assert caught.value.kind is ErrorKind.BAD_GATEWAY


async def test_nothing_asked_is_nothing_given() -> None:
    async with running() as rig:
        assert (await rig.embedder.embed([])).vectors == ()


async def test_close_ends_the_call_in_the_background() -> None:
    async with running(identify_s=0.01) as rig:
        rig.model.load_s = 30.0
        assert await rig.embedder.identify() is None
        await rig.embedder.close()
        await until(lambda: rig.server.disconnects == 1)
