"""Parts that speak JSON."""

import pytest

from ops.stack.process import free_port
from service.cli.drill.json_api import JsonApi
from service.cli.failures import Failure
from tests.fakes.http_listener import HttpListener, Request


class Speaker(HttpListener):
    """Says `reply` to everything."""

    def __init__(self, status: int, body: bytes) -> None:
        super().__init__()
        self.answer = (status, body)

    def get(self, request: Request) -> None:
        request.reply(*self.answer)


def asked(status: int, body: bytes) -> object:
    with Speaker(status, body) as speaker:
        return JsonApi("Part", f"http://127.0.0.1:{speaker.port}/", "Start it.").get("/x", a=1)


def test_its_answer_is_read() -> None:
    assert asked(200, b'{"a": 1}') == {"a": 1}
    assert asked(200, b"") is None


def test_a_refusal_is_told_in_its_own_words() -> None:
    with pytest.raises(Failure, match="refused /x") as refused:
        asked(400, b"no such series")
    assert refused.value.why == "no such series"


def test_what_is_no_json_is_another_program() -> None:
    with pytest.raises(Failure, match="is not Part") as stranger:
        asked(200, b"<html>")
    assert stranger.value.todo == "Start it."


@pytest.mark.parametrize("url", [f"http://127.0.0.1:{free_port()}", "http://127.0.0.1:x", "nonsense"])
def test_one_that_is_away_is_a_failure_that_says_what_to_do(url: str) -> None:
    with pytest.raises(Failure, match="does not answer") as away:
        JsonApi("Part", url, "Start it.").get("/x")
    assert away.value.todo == "Start it."
