"""One of the two services."""

from collections.abc import Iterator

import pytest

from ops.compare.instance import Instance
from ops.compare.measured import Lost, Side, Taken
from service.cli.client import ServiceClient
from service.cli.failures import UNREACHABLE, Failure
from service.errors import ErrorKind
from tests.fakes.clock import ManualClock
from tests.fakes.compared_service import ComparedService
from tests.unit.ops.compare.made import body


@pytest.fixture
def server() -> Iterator[ComparedService]:
    with ComparedService(ManualClock(), lambda _: body()) as running:
        yield running


@pytest.fixture
def client(server: ComparedService) -> Iterator[ServiceClient]:
    with ServiceClient(server.url) as opened:
        yield opened


def test_it_says_what_it_is_and_takes_the_time_of_an_answer(server: ComparedService, client: ServiceClient) -> None:
    server.seconds = lambda _: 1.5
    instance = Instance(Side.CANDIDATE, client, {"temperature": 0.0}, server.clock)
    assert str(instance) == f"{server.url} (development, version 0.2.0)"
    answer = instance.ask("What is a hedge?")
    assert isinstance(answer, Taken)
    assert answer.seconds == 1.5
    assert server.asked == [{"query": "What is a hedge?", "temperature": 0.0}]


@pytest.mark.parametrize("kind", [ErrorKind.TIMEOUT, ErrorKind.OVERLOADED, ErrorKind.INVALID_QUESTION])
def test_a_question_may_fail(kind: ErrorKind, server: ComparedService, client: ServiceClient) -> None:
    instance = Instance(Side.BASELINE, client, {}, server.clock)
    server.refusals.append(kind)
    assert instance.ask("A?") == Lost(kind.value, "Refused: because")


@pytest.mark.parametrize("kind", [ErrorKind.UNAUTHORIZED, ErrorKind.FORBIDDEN, ErrorKind.MODEL_NOT_FOUND])
def test_what_will_not_change_ends_it(kind: ErrorKind, server: ComparedService, client: ServiceClient) -> None:
    instance = Instance(Side.CANDIDATE, client, {}, server.clock)
    server.refusals.append(kind)
    with pytest.raises(Failure, match="Refused") as caught:
        instance.ask("A?")
    assert caught.value.lines == (f"this is the candidate, at {server.url}",)
    assert ("--candidate-key-file" in caught.value.todo) == (kind is not ErrorKind.MODEL_NOT_FOUND)


def test_an_answer_of_another_form_is_told(server: ComparedService, client: ServiceClient) -> None:
    instance = Instance(Side.BASELINE, client, {}, server.clock)
    server.answer = lambda _: {"answer": "42"}
    with pytest.raises(Failure, match="is not that of this service"):
        instance.ask("A?")


def test_a_stranger_is_refused_at_once(server: ComparedService, client: ServiceClient) -> None:
    server.about = {"hello": "world"}
    with pytest.raises(Failure, match="not this service") as caught:
        Instance(Side.CANDIDATE, client, {}, server.clock)
    assert "--candidate" in caught.value.todo


def test_nobody_at_all_is_unreachable_and_the_option_is_named(server: ComparedService, client: ServiceClient) -> None:
    server.stop()
    with pytest.raises(Failure, match="No service answers") as caught:
        Instance(Side.BASELINE, client, {}, server.clock)
    assert (caught.value.code, "--baseline" in caught.value.todo) == (UNREACHABLE, True)


def test_one_that_goes_away_is_a_lost_answer_and_not_there(server: ComparedService, client: ServiceClient) -> None:
    instance = Instance(Side.BASELINE, client, {}, server.clock)
    assert instance.there()
    server.gone = True
    lost = instance.ask("A?")
    assert isinstance(lost, Lost)
    assert (lost.kind, "broke off" in lost.what) == ("no reply", True)
    assert not instance.there()
