"""What is asked of the running service, over the real HTTP interface."""

from collections.abc import Iterator

import pytest

from ops.checkpoint.live_service import LiveService
from service.cli.client import ServiceClient
from service.cli.failures import Failure
from service.corpus.port import Restore
from service.retrieval.port import Passage, Retrieved
from service.services import DependencyStatus
from tests.fakes.http_service import listening
from tests.fakes.services import FakeServices


@pytest.fixture
def fakes() -> FakeServices:
    return FakeServices()


@pytest.fixture
def live(fakes: FakeServices) -> Iterator[LiveService]:
    with listening(fakes) as url, ServiceClient(url, timeout_s=10.0) as client:
        yield LiveService(client)


def test_writers_are_held_out_within_the_block(live: LiveService, fakes: FakeServices) -> None:
    with live.held(3.0, 30.0) as held:
        assert fakes.write_gate.holding
        assert held.store == fakes.write_gate.store
    assert (fakes.write_gate.holding, held.paused_s) == ("", 1.5)


def test_they_are_let_in_when_the_block_fails(live: LiveService, fakes: FakeServices) -> None:
    with pytest.raises(OSError, match="full"), live.held(3.0, 30.0):
        raise OSError("full")
    assert fakes.write_gate.holding == ""


def test_a_hold_that_ran_out_is_a_failure_with_what_to_do(live: LiveService, fakes: FakeServices) -> None:
    with pytest.raises(Failure, match="took too long") as caught, live.held(3.0, 30.0):
        fakes.write_gate.expire()
    assert "--hold" in caught.value.todo


def test_searching_and_looking(live: LiveService, fakes: FakeServices) -> None:
    fakes.retriever.found = Retrieved((Passage("c1", "d1", "a.md", "text", 0, 4, 1.0),))
    questions = [{"text": f"q{number}", "vector": [0.5] if number % 2 else None, "found": []} for number in range(12)]
    assert live.search(questions, 3) == [["c1"]] * 12
    assert [call[0] for call in fakes.retriever.calls] == [f"q{number}" for number in range(12)]
    assert live.document_ids() == frozenset()
    assert live.slow() == []


def test_a_restore_is_told(live: LiveService, fakes: FakeServices) -> None:
    live.note_restore("before-tuning", 3.2504, went_back=True)
    assert fakes.write_gate.restores == [Restore("before-tuning", 3.25, went_back=True)]


def test_ready_is_waited_for_with_a_bound(live: LiveService, fakes: FakeServices) -> None:
    live.await_ready(5.0)
    fakes.probes.statuses = (DependencyStatus("sqlite", False, True),)
    with pytest.raises(Failure, match=r"not ready after 0\.1 s"):
        live.await_ready(0.1)
