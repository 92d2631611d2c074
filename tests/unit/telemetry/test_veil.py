"""The veil: what the instrumentation sees of a request and a reply, and that both get everything back."""

from typing import Any

from service.telemetry.veil import Veil, cover, lift

HEADERS = [(b"traceparent", b"00-1"), (b"authorization", b"Bearer x"), (b"user-agent", b"y")]


def scope_of(kind: str = "http") -> dict[str, Any]:
    return {
        "type": kind,
        "path": "/ask",
        "query_string": b"q=1",
        "headers": HEADERS,
        "client": ("10.0.0.1", 5),
        "http_version": "1.1",
    }


async def through(app: Any, scope: dict[str, Any]) -> list[dict[str, Any]]:
    """Messages that reach the server."""
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        raise AssertionError("nothing is read here")

    await Veil(app, [b"traceparent"])(scope, receive, send)
    return sent


async def test_inside_it_there_is_the_trace_context_only_and_lifting_gives_all_back() -> None:
    seen: list[dict[str, Any]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(dict(scope))
        assert lift(scope) is True
        seen.append(dict(scope))
        assert lift(scope) is False

    scope = scope_of()
    await through(app, scope)

    veiled, lifted = seen
    assert veiled["headers"] == [(b"traceparent", b"00-1")]
    assert (veiled["query_string"], veiled["client"], veiled["http_version"]) == (b"", None, "")
    assert lifted == scope == scope_of()


async def test_a_covered_reply_passes_without_headers_and_leaves_with_them() -> None:
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        message = cover({"type": "http.response.start", "status": 200}, [(b"set-cookie", b"x")])
        seen.append(message["headers"])
        message["headers"].append((b"traceresponse", b"1"))  # as a response propagator would
        await send(message)
        await send({"type": "http.response.body", "body": b"a"})

    sent = await through(app, scope_of())
    assert seen == [[(b"traceresponse", b"1")]]
    assert sent == [
        {"type": "http.response.start", "status": 200, "headers": [(b"set-cookie", b"x"), (b"traceresponse", b"1")]},
        {"type": "http.response.body", "body": b"a"},
    ]


async def test_what_is_no_request_passes_untouched() -> None:
    seen = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope)

    scope = scope_of("websocket")
    await through(app, scope)
    assert seen[0] is scope
