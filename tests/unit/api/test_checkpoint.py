"""`/checkpoint` in process."""

import pytest

from service.api.answers import HeldShape, ReleasedShape, RestoredShape, SearchedShape
from service.corpus.port import Restore
from service.errors import Dependency, DependencyUnavailable
from service.retrieval.port import Passage, Retrieved
from tests.fakes.services import FakeServices
from tests.unit.api.client import client_of


async def test_holding_and_releasing() -> None:
    fakes = FakeServices()
    async with client_of(fakes) as client:
        held = await client.post("/checkpoint/hold", json={"wait_s": 3, "for_s": 30})
        told = HeldShape.model_validate_json(held.content)
        assert (told.store, told.for_s, told.drained_s) == (fakes.write_gate.store, 30, 0.25)
        assert fakes.write_gate.calls == [(3.0, 30.0)]
        released = await client.post("/checkpoint/release", json={"token": told.token})
        again = await client.post("/checkpoint/release", json={"token": told.token})
    assert ReleasedShape.model_validate_json(released.content).held_s == 1.5
    assert (again.status_code, again.json()["kind"]) == (404, "not_found")


async def test_a_restore_is_noted() -> None:
    fakes = FakeServices()
    told = {"checkpoint": "before-tuning", "took_s": 3.5, "went_back": True}
    async with client_of(fakes) as client:
        reply = await client.post("/checkpoint/restored", json=told)
        refused = await client.post("/checkpoint/restored", json=told | {"checkpoint": "no name\n"})
    assert RestoredShape.model_validate_json(reply.content).noted == "before-tuning"
    assert refused.status_code == 422
    assert fakes.write_gate.restores == [Restore("before-tuning", 3.5, went_back=True)]


async def test_writers_that_do_not_end_are_a_503_with_a_time() -> None:
    fakes = FakeServices()
    fakes.write_gate.failures.append(DependencyUnavailable(Dependency.SQLITE, "busy", retry_after_s=7.2))
    async with client_of(fakes) as client:
        reply = await client.post("/checkpoint/hold", json={})
    assert (reply.status_code, reply.headers["retry-after"]) == (503, "8")


@pytest.mark.parametrize("body", [{"for_s": 0}, {"for_s": 601}, {"wait_s": -1}, {"other": 1}, {"for_s": "60"}])
async def test_a_hold_has_bounds(body: dict[str, object]) -> None:
    fakes = FakeServices()
    async with client_of(fakes) as client:
        reply = await client.post("/checkpoint/hold", json=body)
    assert (reply.status_code, fakes.write_gate.calls) == (422, [])


async def test_searching_without_a_model() -> None:
    fakes = FakeServices()
    fakes.retriever.found = Retrieved((Passage("c1", "d1", "a.md", "text", 0, 4, 1.0),))
    questions = [{"text": "momentum", "vector": [1.0, 0.5]}, {"text": "reversal"}]
    async with client_of(fakes) as client:
        reply = await client.post("/checkpoint/search", json={"questions": questions, "top_k": 3})
    assert SearchedShape.model_validate_json(reply.content).found == [["c1"], ["c1"]]
    assert fakes.retriever.calls == [("momentum", (1.0, 0.5), 3), ("reversal", None, 3)]
    assert fakes.asker.questions == []
