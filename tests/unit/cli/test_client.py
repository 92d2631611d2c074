"""Talking to a service: addresses, keys, replies, and what goes wrong on the way."""

import json
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import SecretStr

from ops.stack.process import free_port
from service.cli.client import ServiceClient, address_of, key_of, lines_of, server_sent
from service.cli.failures import UNREACHABLE, USAGE, Failure, Unreachable
from service.errors import ErrorKind
from service.settings import Server, Settings
from tests.fakes.stub_server import Stub
from tests.unit.cli.conftest import Shell

JSON = "application/json"
# The commands that talk to a service.
KEYED = (["ask", "why?"], ["ingest", "."], ["slow"], ["cache", "stats"], ["cache", "clear"])


def failure(call: Callable[[], object]) -> Failure:
    with pytest.raises(Failure) as caught:
        call()
    return caught.value


def test_calls_reach_the_service_with_the_key(stub: Stub) -> None:
    stub.content = b'{"a": 1}'
    with ServiceClient(stub.url + "/", "erag_x") as service:
        assert service.get("/monitoring/slow", count=3) == {"a": 1}
        assert service.post("/ask", {"query": "why?"}) == {"a": 1}
        assert service.delete("/monitoring/cache") == {"a": 1}
        assert service.upload("/documents", "a/b.md", b"text") == {"a": 1}
    assert [(method, path) for method, path, _ in stub.seen] == [
        ("GET", "/monitoring/slow?count=3"),
        ("POST", "/ask"),
        ("DELETE", "/monitoring/cache"),
        ("POST", "/documents"),
    ]
    assert {key for _, _, key in stub.seen} == {"Bearer erag_x"}


def test_a_password_in_the_address_is_sent_and_not_shown(stub: Stub) -> None:
    with ServiceClient(stub.url.replace("http://", "http://me:secret@")) as service:
        service.get("/healthz")
    assert service.url == stub.url
    assert stub.seen[0][2].startswith("Basic ")
    with ServiceClient(f"http://me:secret@127.0.0.1:{free_port()}") as service:
        told = failure(lambda: service.get("/healthz"))
    assert "secret" not in told.what + told.why + told.todo


def test_without_a_key_none_is_sent(stub: Stub) -> None:
    with ServiceClient(stub.url) as service:
        service.get("/healthz")
        assert service.answers()
    assert stub.seen[0][2] == ""


def test_nobody_listening_is_unreachable() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with ServiceClient(url) as service:
        told = failure(lambda: service.get("/healthz"))
        assert isinstance(told, Unreachable)
        assert (told.code, told.why) == (UNREACHABLE, "connection refused")
        assert not service.answers()


@pytest.mark.parametrize(
    ("content", "status", "content_type"),
    [
        (b"<html>hello</html>", 200, "text/html"),
        (b"[1, 2]", 200, JSON),
        (b'{"detail": "Not Found"}', 404, JSON),
        (b"not json", 500, "text/plain"),
        (b"{}", 302, JSON),
    ],
)
def test_another_program_at_that_address_is_told(stub: Stub, content: bytes, status: int, content_type: str) -> None:
    stub.content, stub.status, stub.headers = content, status, {"content-type": content_type}
    with ServiceClient(stub.url) as service:
        assert "is not this service" in failure(lambda: service.get("/healthz")).what
        assert "is not this service" in failure(lambda: list(service.stream("/ask", {}))).what


def test_a_problem_becomes_a_failure(stub: Stub) -> None:
    stub.status = 429
    stub.headers = {"content-type": "application/problem+json", "retry-after": "7"}
    stub.content = json.dumps({"title": "Too busy", "detail": "full", "kind": "overloaded", "trace_id": "abc"}).encode()
    with ServiceClient(stub.url) as service:
        for told in (failure(lambda: service.post("/ask", {})), failure(lambda: list(service.stream("/ask", {})))):
            assert (told.what, told.why, told.todo) == ("Too busy", "full", "Try again in 7 s.")
            assert told.kind is ErrorKind.OVERLOADED


def test_a_connection_that_breaks_is_told() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)

        def hang_up() -> None:
            connection, _ = listener.accept()
            connection.recv(65536)
            connection.close()

        thread = threading.Thread(target=hang_up, daemon=True)
        thread.start()
        with ServiceClient(f"http://127.0.0.1:{listener.getsockname()[1]}") as service:
            assert "broke off" in failure(lambda: service.get("/healthz")).what
        thread.join(10)


def test_a_silent_service_is_given_up() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        with ServiceClient(f"http://127.0.0.1:{listener.getsockname()[1]}", timeout_s=0.05) as service:
            assert "stopped answering" in failure(lambda: service.get("/healthz")).what


@pytest.mark.parametrize("url", ["127.0.0.1:8001", "ftp://127.0.0.1", "http://[::1", "localhost", "http://127.0.0.1:x"])
def test_what_is_no_address_is_used_wrongly(url: str) -> None:
    def call() -> None:
        with ServiceClient(url) as service:
            service.get("/healthz")

    assert failure(call).code == USAGE


def test_proxies_of_the_environment_are_not_used_for_loopback(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with ServiceClient(stub.url) as service:
        assert service.get("/healthz") == {}


def test_a_stream_is_closed_when_its_reader_leaves(shell: Shell, service: Callable[[], str]) -> None:
    shell.fakes.asker.hang_at_end = True
    shell.fakes.asker.script = shell.fakes.asker.script[:2]
    with ServiceClient(service()) as client:
        events = client.stream("/ask", {"query": "why?", "stream": True})
        assert next(events)[0] == "meta"
        assert next(events) == ("token", {"text": "Momentum trading "})
        events.close()  # type: ignore[attr-defined]


def test_broken_events_are_not_of_this_service(stub: Stub) -> None:
    stub.headers = {"content-type": "text/event-stream"}
    stub.content = b"event: meta\ndata: {\n\n"
    with ServiceClient(stub.url) as service:
        assert "is not this service" in failure(lambda: list(service.stream("/ask", {}))).what


def test_lines_end_at_line_feeds_alone_wherever_the_pieces_break() -> None:
    text = "a\r\nb\u2028c\x85d\n\nü\nrest"
    content = text.encode()
    for size in (1, 2, 3, len(content)):
        pieces = [content[start : start + size] for start in range(0, len(content), size)]
        assert list(lines_of(pieces)) == ["a", "b\u2028c\x85d", "", "ü"]


def test_events_are_read_as_the_standard_says() -> None:
    lines = [": comment", "", "event: a", 'data: {"x":', "data: 1}", "", "id: 7", 'data:{"y": 2}', "", "event: b", ""]
    assert list(server_sent(lines)) == [("a", {"x": 1}), ("", {"y": 2})]


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8001"),
        ("0.0.0.0", "http://127.0.0.1:8001"),
        ("::", "http://127.0.0.1:8001"),
        ("::1", "http://[::1]:8001"),
        ("box.lan", "http://box.lan:8001"),
    ],
)
def test_the_address_is_one_that_this_machine_can_call(host: str, url: str) -> None:
    assert address_of(Settings(server=Server(host=host))) == url


def test_the_key_comes_from_the_environment_or_a_file(tmp_path: Path) -> None:
    settings = Settings(api_key=SecretStr("erag_env"))
    assert key_of(Settings(), None) == ""
    assert key_of(settings, None) == "erag_env"
    file = tmp_path / "key"
    file.write_text("erag_file\n")
    file.chmod(0o600)
    assert key_of(settings, file) == "erag_file"


def test_a_key_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("erag_secret")
    file.chmod(0o644)
    told = failure(lambda: key_of(Settings(), file))
    assert "chmod 600" in told.todo
    assert told.code == USAGE


@pytest.mark.parametrize("text", ["two words", "line\nline", "größer", "\x00"])
def test_what_is_no_key_is_refused_and_not_shown(tmp_path: Path, text: str) -> None:
    file = tmp_path / "key"
    file.write_text(text)
    file.chmod(0o600)
    told = failure(lambda: key_of(Settings(), file))
    assert told.code == USAGE
    assert text not in "".join((told.what, told.why, told.todo))


@pytest.mark.parametrize("command", KEYED)
def test_a_key_on_the_command_line_is_refused_and_not_shown(shell: Shell, command: list[str]) -> None:
    for given in (["--key", "erag_secret"], ["--key=erag_secret"]):
        told = shell(*command, *given)
        assert told.exit_code == 2
        assert "RAG_API_KEY" in told.stderr
        assert "erag_secret" not in told.output
