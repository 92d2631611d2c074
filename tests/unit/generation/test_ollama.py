"""The generator against a server that misbehaves in every way it can."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace

import pytest

from service.clock import SystemClock
from service.errors import (
    BadDependencyReply,
    DependencyTimeout,
    DependencyUnavailable,
    ErrorKind,
    ServiceError,
    UnknownModel,
)
from service.generation.breaker import Breakers
from service.generation.ollama import OllamaGenerator
from service.generation.port import BreakerState, Chunk, Completion, FinishReason, GenerationRequest, Message
from service.ollama.client import make_client
from service.routing.ollama import OllamaModelDirectory
from service.routing.port import Tier
from tests.fakes.ollama_models import FakeModel
from tests.fakes.ollama_server import FakeOllama, Fault
from tests.fakes.waiting import until

MODEL = "llama3.2:3b"
THINKER = "gpt-oss:20b"
REQUEST = GenerationRequest(MODEL, (Message("user", "What is momentum?"),), Tier.SIMPLE, 0.1, 50, deadline_s=20.0)


@dataclass
class Rig:
    """A fake server and the generator that talks to it."""

    server: FakeOllama
    directory: OllamaModelDirectory
    breakers: Breakers
    generator: OllamaGenerator

    async def collect(self, request: GenerationRequest = REQUEST) -> list[Chunk | Completion]:
        async with aclosing(self.generator.generate(request)) as stream:
            return [item async for item in stream]

    async def completion(self, request: GenerationRequest = REQUEST) -> Completion:
        last = (await self.collect(request))[-1]
        assert isinstance(last, Completion)
        return last

    async def fails(self, request: GenerationRequest = REQUEST) -> ServiceError:
        with pytest.raises(ServiceError) as caught:
            await self.collect(request)
        return caught.value

    async def until_idle(self) -> None:
        await until(lambda: not self.server.running[""])


@asynccontextmanager
async def running(
    *models: FakeModel,
    first_token_s: float = 5.0,
    between_tokens_s: float = 5.0,
    num_ctx: int = 8192,
    keep_alive: str = "30m",
    thinking_tiers: frozenset[Tier] = frozenset(),
) -> AsyncIterator[Rig]:
    clock = SystemClock()
    async with FakeOllama(models or (FakeModel(MODEL),)) as server:
        client = make_client(server.url)
        directory = OllamaModelDirectory(client, [model.name for model in server.models.values()], clock)
        await directory.refresh()
        breakers = Breakers(clock)
        generator = OllamaGenerator(
            client,
            breakers=breakers,
            snapshot=directory.snapshot,
            clock=clock,
            first_token_s=first_token_s,
            between_tokens_s=between_tokens_s,
            num_ctx=num_ctx,
            keep_alive=keep_alive,
            thinking_tiers=thinking_tiers,
        )
        try:
            yield Rig(server, directory, breakers, generator)
        finally:
            await client.close()


async def test_sends_the_same_options_every_time_and_only_what_is_needed() -> None:
    async with running(num_ctx=4096) as rig:
        await rig.collect()
        await rig.collect(replace(REQUEST, temperature=0.0, max_tokens=3))
        first, second = rig.server.bodies("/api/chat")
    assert first["stream"] is True
    assert first["messages"] == [{"role": "user", "content": "What is momentum?"}]
    assert first["keep_alive"] == "30m"
    assert "think" not in first
    assert first["options"] == {"num_ctx": 4096, "num_predict": 50, "temperature": 0.1, "seed": 42}
    assert second["options"] == {"num_ctx": 4096, "num_predict": 3, "temperature": 0.0, "seed": 42}
    assert rig.server.loads[MODEL] == 1


async def test_for_ever_goes_as_a_number() -> None:
    async with running(keep_alive="-1") as rig:
        await rig.collect()
        assert rig.server.bodies("/api/chat")[0]["keep_alive"] == -1


async def test_parts_of_the_time_are_the_servers_own() -> None:
    slow = FakeModel(MODEL, load_s=0.05, prompt_eval_s=0.04, token_s=0.01)
    async with running(slow) as rig:
        end = await rig.completion()
    assert end.load_s >= 0.05
    assert end.prompt_eval_s >= 0.04
    assert end.eval_s >= 0.06
    assert end.first_chunk_s >= 0.09
    assert end.queue_s + end.load_s + end.prompt_eval_s + end.eval_s <= end.total_s
    assert end.digest == slow.digest
    assert (end.finish, end.output_tokens, end.input_tokens) == (FinishReason.STOP, 6, 5)


async def test_the_wait_for_a_slot_is_the_queue() -> None:
    async with running(FakeModel(MODEL, resident=True, token_s=0.02)) as rig:
        ends = await asyncio.gather(rig.completion(), rig.completion())
    # The second one waits for the six tokens of the first.
    assert max(end.queue_s for end in ends) > 0.08
    assert min(end.queue_s for end in ends) < max(end.queue_s for end in ends)
    assert rig.server.most_running[MODEL] == 1


async def test_a_model_that_has_answered_is_warm_although_no_poll_has_seen_it() -> None:
    async with running(FakeModel(MODEL, load_s=0.15)) as rig:
        assert (await rig.completion()).cold
        assert not rig.directory.snapshot().models[MODEL].resident
        # However slow this machine is just now.
        assert not (await rig.completion()).cold


async def test_a_model_that_a_poll_has_missed_since_is_cold_again() -> None:
    async with running(FakeModel(MODEL, load_s=0.15)) as rig:
        await rig.collect()
        rig.server.model(MODEL).resident = False
        await rig.directory.refresh()
        assert (await rig.completion()).output_tokens


@pytest.mark.parametrize(
    ("capabilities", "name", "tier", "sent"),
    [
        (("completion",), MODEL, Tier.RESEARCH, None),
        (("completion", "thinking"), MODEL, Tier.RESEARCH, True),
        (("completion", "thinking"), MODEL, Tier.SIMPLE, False),
        (("completion", "thinking"), THINKER, Tier.RESEARCH, "medium"),
        (("completion", "thinking"), THINKER, Tier.SIMPLE, "low"),
    ],
)
async def test_think_goes_only_to_models_that_can(
    capabilities: tuple[str, ...], name: str, tier: Tier, sent: object
) -> None:
    model = FakeModel(name, capabilities=capabilities)
    async with running(model, thinking_tiers=frozenset({Tier.RESEARCH})) as rig:
        await rig.collect(replace(REQUEST, model=name, tier=tier))
        assert rig.server.bodies("/api/chat")[0].get("think") == sent


async def test_thinking_is_flagged_timed_and_not_the_answer() -> None:
    model = FakeModel(
        MODEL, capabilities=("completion", "thinking"), thinking=("Let me", " see"), reply=("Yes", "."), token_s=0.01
    )
    async with running(model, thinking_tiers=frozenset({Tier.RESEARCH})) as rig:
        *chunks, end = await rig.collect(replace(REQUEST, tier=Tier.RESEARCH))
    assert chunks == [Chunk("Let me", True), Chunk(" see", True), Chunk("Yes"), Chunk(".")]
    assert isinstance(end, Completion)
    assert end.first_chunk_s < end.first_answer_s


async def test_a_prompt_that_fills_the_window_was_cut() -> None:
    async with running(num_ctx=512) as rig:
        long = replace(REQUEST, messages=(Message("user", "word " * 600),))
        assert (await rig.completion(long)).prompt_truncated
        assert not (await rig.completion()).prompt_truncated


@pytest.mark.parametrize(
    ("status", "kind", "error"),
    [
        (400, ErrorKind.BAD_REQUEST, BadDependencyReply),
        (404, ErrorKind.MODEL_NOT_FOUND, UnknownModel),
        (429, ErrorKind.RATE_LIMITED, BadDependencyReply),
        (499, ErrorKind.CANCELLED, BadDependencyReply),
        (500, ErrorKind.SERVER_ERROR, BadDependencyReply),
        (502, ErrorKind.BAD_GATEWAY, BadDependencyReply),
        (503, ErrorKind.OVERLOADED, BadDependencyReply),
        (418, ErrorKind.OTHER, BadDependencyReply),
        (302, ErrorKind.OTHER, BadDependencyReply),
    ],
)
async def test_a_status_becomes_its_kind_and_its_text_stays_inside(
    status: int, kind: ErrorKind, error: type[ServiceError]
) -> None:
    async with running() as rig:
        rig.server.fault = Fault(status=status, message="SECRET what is momentum")
        raised = await rig.fails()
        assert len(rig.server.bodies("/api/chat")) == 1, "only a lost connection is tried again"
    assert type(raised) is error
    assert raised.kind is kind
    assert "SECRET" not in raised.detail
    assert raised.__cause__ is not None


@pytest.mark.parametrize(
    "fault",
    [Fault(cut_after=2), Fault(error_after=2), Fault(invalid_after=2), Fault(no_done=True), Fault(error_after=0)],
)
async def test_a_broken_stream_is_never_a_short_success(fault: Fault) -> None:
    async with running() as rig:
        rig.server.fault = fault
        raised = await rig.fails()
        assert len(rig.server.bodies("/api/chat")) == 1
    assert isinstance(raised, BadDependencyReply)
    assert raised.kind is ErrorKind.STREAM_ERROR


async def test_nonsense_instead_of_a_first_message() -> None:
    async with running() as rig:
        rig.server.fault = Fault(invalid_after=0)
        assert (await rig.fails()).kind is ErrorKind.BAD_GATEWAY


async def test_silence_before_the_first_token() -> None:
    async with running(first_token_s=0.05) as rig:
        rig.server.fault = Fault(hang_before=True)
        raised = await rig.fails()
        await rig.until_idle()
        assert rig.server.disconnects == 1
    assert isinstance(raised, DependencyTimeout)
    assert raised.detail == "no first token from llama3.2:3b within 0.05 s"


async def test_a_loaded_model_that_stays_silent_is_unloaded_and_answers_again() -> None:
    async with running(FakeModel(MODEL, resident=True, stuck=True), first_token_s=0.2) as rig:
        assert (await rig.fails()).kind is ErrorKind.TIMEOUT
        assert (await rig.completion()).output_tokens
    assert [body["model"] for body in rig.server.bodies("/api/generate")] == [MODEL]


async def test_a_cold_model_that_takes_long_to_load_is_left_to_load() -> None:
    async with running(FakeModel(MODEL, stuck=True), first_token_s=0.05) as rig:
        assert (await rig.fails()).kind is ErrorKind.TIMEOUT
    assert not rig.server.bodies("/api/generate")


async def test_a_request_that_ran_out_of_its_own_time_unloads_nothing() -> None:
    async with running(FakeModel(MODEL, resident=True, stuck=True)) as rig:
        await rig.fails(replace(REQUEST, deadline_s=0.05))
    assert not rig.server.bodies("/api/generate")


async def test_silence_between_two_tokens() -> None:
    async with running(between_tokens_s=0.05) as rig:
        rig.server.fault = Fault(hang_after=2)
        raised = await rig.fails()
    assert raised.detail == "no further token from llama3.2:3b within 0.05 s"


async def test_a_trickle_of_bytes_does_not_hold_the_deadline_off() -> None:
    async with running(first_token_s=0.1) as rig:
        rig.server.fault = Fault(drip_s=0.02)
        assert (await rig.fails()).kind is ErrorKind.TIMEOUT


async def test_the_requests_own_deadline_ends_a_slow_answer_and_blames_nobody() -> None:
    async with running(FakeModel(MODEL, token_s=0.03)) as rig:
        for _ in range(6):
            raised = await rig.fails(replace(REQUEST, deadline_s=0.05))
        assert raised.detail == "no complete answer from llama3.2:3b within 0.05 s"
        assert rig.breakers.state(MODEL) is BreakerState.CLOSED


async def test_leaving_closes_the_stream_at_once() -> None:
    async with running(FakeModel(MODEL, token_s=0.01, reply=("word ",) * 1000)) as rig:
        stream = rig.generator.generate(replace(REQUEST, max_tokens=1000))
        await anext(stream)
        await stream.aclose()
        await rig.until_idle()
        assert rig.server.disconnects == 1
        assert rig.breakers.state(MODEL) is BreakerState.CLOSED


async def test_a_cancelled_call_closes_the_stream_while_it_waits_for_the_load() -> None:
    async with running(FakeModel(MODEL, load_s=30.0)) as rig:
        task = asyncio.create_task(rig.collect())
        await until(lambda: rig.server.loads[MODEL] == 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await until(lambda: rig.server.disconnects == 1)


async def test_a_lost_connection_is_tried_once_more() -> None:
    async with running() as rig:
        rig.server.faults.append(Fault(drop=True))
        assert isinstance((await rig.collect())[-1], Completion)
        assert len(rig.server.bodies("/api/chat")) == 2


async def test_retries_stay_within_their_share_of_the_calls() -> None:
    async with running() as rig:
        calls = 40
        for number in range(calls):
            # Every second call meets a lost connection; its retry does not.
            if number % 2:
                rig.server.faults.append(Fault(drop=True))
            try:
                await rig.collect()
            except DependencyUnavailable:
                rig.server.faults.clear()
        assert calls < len(rig.server.bodies("/api/chat")) <= 1.1 * calls


async def test_the_connection_is_used_again() -> None:
    async with running() as rig:
        before = rig.server.connections
        for _ in range(5):
            await rig.collect()
        assert rig.server.connections == before


async def test_an_absent_server_opens_its_breaker_and_a_poll_closes_it() -> None:
    async with running() as rig:
        await rig.server.kill()
        for _ in range(5):
            raised = await rig.fails()
            assert isinstance(raised, DependencyUnavailable)
            assert raised.retry_after_s is None
        assert rig.breakers.states() == {"ollama": BreakerState.OPEN, "ollama/llama3.2:3b": BreakerState.CLOSED}
        refused = await rig.fails()
        assert isinstance(refused, DependencyUnavailable)
        assert refused.retry_after_s is not None
        await rig.server.start()
        assert (await rig.directory.refresh()).reachable
        rig.breakers.server_answered()
        assert isinstance((await rig.collect())[-1], Completion)


async def test_a_broken_model_opens_its_own_breaker_only() -> None:
    other = FakeModel("llama3.1:latest")
    async with running(FakeModel(MODEL), other) as rig:
        rig.server.faults.extend([Fault(status=500)] * 5)
        for _ in range(5):
            await rig.fails()
        assert rig.breakers.state(MODEL) is BreakerState.OPEN
        calls = len(rig.server.bodies("/api/chat"))
        assert isinstance(await rig.fails(), DependencyUnavailable)
        assert len(rig.server.bodies("/api/chat")) == calls
        assert isinstance((await rig.collect(replace(REQUEST, model=other.name)))[-1], Completion)
