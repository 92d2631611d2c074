"""Names of requests: templates by path, the same with and without the prefix, and a closed set."""

import re
from collections.abc import Iterator
from re import Pattern

from service.telemetry.routes import Routes, Template

READ: list[tuple[str, Pattern[str] | None]] = [
    ("/ask", re.compile("^/ask$")),
    ("/api/ask", re.compile("^/api/ask$")),
    ("/documents/{id}", re.compile("^/documents/(?P<id>[^/]+)$")),
    ("/api/documents/{id}", re.compile("^/api/documents/(?P<id>[^/]+)$")),
    ("/static", re.compile("^/static/(?P<path>.*)$")),
    ("/plain", None),
]


def test_a_path_has_its_template_and_a_label_without_the_prefix() -> None:
    routes = Routes(lambda: READ)
    assert routes.find("/api/ask") == Template("/api/ask", "/ask")
    assert routes.find("/api/documents/9") == Template("/api/documents/{id}", "/documents/{id}")
    assert [routes.label(path) for path in ("/ask", "/api/ask", "/documents/9", "/static/a/b", "/plain")] == [
        "/ask",
        "/ask",
        "/documents/{id}",
        "/static",
        "/plain",
    ]


def test_everything_else_is_one_name() -> None:
    routes = Routes(lambda: READ)
    for path in ("", "/", "/nope", "/ask/", "/api", "/documents/1/2", "/documents/", "/apiask"):
        assert routes.find(path) is None
        assert routes.label(path) == "unmatched"


def test_routes_are_read_once_and_late() -> None:
    reads = []

    def read() -> Iterator[tuple[str, Pattern[str] | None]]:
        reads.append(1)
        yield from READ

    routes = Routes(read)
    assert reads == []
    routes.label("/ask")
    routes.label("/nope")
    assert reads == [1]
