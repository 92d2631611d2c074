"""The directory: what a poll sees, what it keeps while the server is away, loads and downloads."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass

import pytest

from service.errors import BadDependencyReply, DependencyTimeout, ErrorKind, UnknownModel
from service.ollama.client import make_client
from service.routing.ollama import OllamaModelDirectory, PullProgress
from service.routing.port import ModelState
from tests.fakes.clock import ManualClock
from tests.fakes.ollama_server import FakeOllama, Fault
from tests.fakes.waiting import until

SMALL, LATEST, EMBEDDING = "llama3.2:3b", "llama3.1", "nomic-embed-text"
NAMES = (SMALL, LATEST, EMBEDDING, "not-there:1b")


@dataclass
class Rig:
    server: FakeOllama
    directory: OllamaModelDirectory
    clock: ManualClock


@asynccontextmanager
async def running(**options: float | str) -> AsyncIterator[Rig]:
    async with FakeOllama() as server:
        clock = ManualClock()
        client = make_client(server.url)
        try:
            yield Rig(server, OllamaModelDirectory(client, NAMES, clock, **options), clock)  # type: ignore[arg-type]
        finally:
            await client.close()


async def test_before_the_first_poll_every_model_is_named_and_none_is_there() -> None:
    async with running() as rig:
        seen = rig.directory.snapshot()
    assert not seen.reachable
    assert seen.polled_at == 0
    assert seen.models == {name: ModelState(name) for name in NAMES}


async def test_a_poll_sees_installed_and_resident_models() -> None:
    async with running() as rig:
        small = rig.server.model(SMALL)
        small.resident, small.num_ctx, small.expires_at = True, 8192, "2026-11-25T13:18:56.128027525Z"
        seen = await rig.directory.refresh()
    assert seen.polled_at == rig.clock.time()
    assert seen.models[SMALL] == ModelState(
        name=SMALL,
        installed=True,
        resident=True,
        digest=small.digest,
        size_bytes=small.size,
        vram_bytes=small.size,
        expires_at=pytest.approx(1795612736.128027),
        quantization="Q4_K_M",
        parameter_size="3.2B",
        context_length=8192,
        capabilities=frozenset({"completion"}),
    )
    assert seen.models[LATEST].installed, "a name without a tag means latest"
    assert not seen.models[LATEST].resident
    assert seen.models[LATEST].expires_at is None
    assert seen.models[EMBEDDING].capabilities == {"embedding"}
    assert seen.models["not-there:1b"] == ModelState("not-there:1b")


async def test_a_model_kept_for_ever_has_an_end_far_away() -> None:
    async with running(keep_alive="-1") as rig:
        await rig.directory.preload(SMALL)
        expires_at = rig.directory.snapshot().models[SMALL].expires_at
    assert expires_at is not None
    assert expires_at > rig.clock.time() + 100 * 365 * 86_400


async def test_capabilities_are_asked_once_per_digest() -> None:
    async with running() as rig:
        for _ in range(3):
            await rig.directory.refresh()
        assert rig.server.calls["/api/show"] == 3
        rig.server.model(SMALL).digest = "0" * 64
        rig.server.model(SMALL).capabilities = ("completion", "thinking")
        seen = await rig.directory.refresh()
        assert rig.server.calls["/api/show"] == 4
        assert seen.models[SMALL].capabilities == {"completion", "thinking"}


async def test_while_the_server_is_away_the_digests_stay() -> None:
    async with running() as rig:
        rig.server.model(SMALL).resident = True
        before = await rig.directory.refresh()
        await rig.server.kill()
        away = await rig.directory.refresh()
        assert not away.reachable
        assert away.poll_errors == 1
        assert "cannot be reached" in (away.last_error or "")
        assert away.models[SMALL].digest == before.models[SMALL].digest
        assert away.models[SMALL].installed
        assert not away.models[SMALL].resident
        assert away.models[SMALL].vram_bytes == 0
        await rig.server.start()
        back = await rig.directory.refresh()
        assert back.reachable
        assert back.poll_errors == 1
        assert back.last_error is None


@pytest.mark.parametrize("fault", [Fault(status=500), Fault(hang_before=True), Fault(drop=True)])
async def test_a_failed_poll_is_counted_and_never_raised(fault: Fault) -> None:
    async with running(poll_timeout_s=0.05) as rig:
        rig.server.poll_fault = fault
        assert not (await rig.directory.refresh()).reachable
        assert (await rig.directory.refresh()).poll_errors == 2


async def test_changes_of_what_is_resident_are_counted() -> None:
    async with running() as rig:
        assert (await rig.directory.refresh()).swaps == 0
        rig.server.model(SMALL).resident = True
        assert (await rig.directory.refresh()).swaps == 1
        assert (await rig.directory.refresh()).swaps == 1
        rig.server.model(SMALL).resident = False
        rig.server.model(LATEST).resident = True
        assert (await rig.directory.refresh()).swaps == 2


async def test_a_removed_model_is_seen_to_be_gone() -> None:
    async with running() as rig:
        await rig.directory.refresh()
        del rig.server.models[SMALL]
        assert (await rig.directory.refresh()).models[SMALL] == ModelState(SMALL)


async def test_a_preload_sends_the_generators_options() -> None:
    async with running(num_ctx=4096, keep_alive="-1") as rig:
        await rig.directory.preload(SMALL)
        assert rig.server.bodies("/api/generate") == [
            {"model": SMALL, "stream": False, "options": {"num_ctx": 4096}, "keep_alive": -1.0}
        ]
        assert rig.directory.snapshot().models[SMALL].resident


async def test_an_embedder_is_preloaded_by_embedding_nothing() -> None:
    async with running() as rig:
        await rig.directory.preload(EMBEDDING)
        assert rig.server.bodies("/api/embed")[0]["input"] == []
        assert rig.directory.snapshot().models[EMBEDDING].resident


async def test_a_preload_that_fails_says_why() -> None:
    async with running(load_timeout_s=0.05) as rig:
        with pytest.raises(UnknownModel):
            await rig.directory.preload("not-there:1b")
        rig.server.fault = Fault(status=500)
        with pytest.raises(BadDependencyReply):
            await rig.directory.preload(SMALL)
        rig.server.fault = None
        rig.server.model(SMALL).load_s = 30.0
        with pytest.raises(DependencyTimeout, match=r"no load of llama3.2:3b within 0.05 s"):
            await rig.directory.preload(SMALL)


async def test_a_download_tells_its_progress_and_ends_with_the_model_installed() -> None:
    async with running() as rig:
        steps = [step async for step in rig.directory.pull("not-there:1b")]
        assert steps == [
            PullProgress("pulling manifest"),
            PullProgress("pulling abc", 40, 100, "sha256:abc"),
            PullProgress("pulling abc", 100, 100, "sha256:abc"),
            PullProgress("success"),
        ]
        assert rig.directory.snapshot().models["not-there:1b"].installed


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ([{"status": "pulling manifest"}, {"error": "no such host"}], "no such host"),
        ([{"error": "file does not exist"}], "file does not exist"),
        ([{"status": "pulling manifest"}], "goes on where it stopped"),
        ([], "goes on where it stopped"),
    ],
)
async def test_a_download_that_fails_is_never_a_success(steps: list[dict[str, str]], words: str) -> None:
    async with running() as rig:
        rig.server.pull_steps = list(steps)
        with pytest.raises(BadDependencyReply, match=words) as caught:
            async for _ in rig.directory.pull("not-there:1b"):
                pass
        assert caught.value.kind is ErrorKind.STREAM_ERROR


async def test_leaving_a_download_closes_it() -> None:
    async with running() as rig:
        rig.server.pull_pause_s = 30.0
        async with aclosing(rig.directory.pull("not-there:1b")) as steps:
            await anext(steps)
        await until(lambda: rig.server.disconnects == 1)


async def test_polls_at_the_same_time_come_one_after_another() -> None:
    async with running() as rig:
        await asyncio.gather(*(rig.directory.refresh() for _ in range(5)))
        assert rig.server.calls["/api/tags"] == 5
        assert rig.directory.snapshot().swaps == 0
