"""Where Chroma runs: what is told about it, what is sent to it, and what is given back."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from service.errors import BadDependencyReply, DependencyUnavailable
from service.retrieval.chroma_store import EmbeddedChroma, RemoteChroma
from tests.unit.retrieval.test_vector_files import write_index


class FakeSystem:
    """Chroma's parts as far as the stores touch them; `failures` are raised at start, one each."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.settings: list[dict[str, Any]] = []
        self.started = 0
        self.stopped = 0
        self._session = httpx.Client(headers={"x-kept": "yes"})

    def build(self, **settings: Any) -> tuple["FakeSystem", "FakeSystem"]:
        self.settings.append(settings)
        return self, self

    def start(self) -> None:
        self.started += 1
        if self.failures:
            raise self.failures.pop(0)

    def stop(self) -> None:
        self.stopped += 1

    @property
    def session(self) -> httpx.Client:
        return self._session


def test_embedded_opens_once_and_gives_the_folder_back(tmp_path: Path) -> None:
    folder, system = tmp_path / "chroma", FakeSystem()
    store = EmbeddedChroma(folder)
    assert store.open(system.build) is store.open(system.build) is system
    assert system.started == 1
    assert system.settings == [{"is_persistent": True, "persist_directory": str(folder)}]
    with pytest.raises(DependencyUnavailable, match="another process uses the folder chroma"):
        EmbeddedChroma(folder).open(system.build)
    store.close()
    store.close()
    assert system.stopped == 1
    other = EmbeddedChroma(folder)
    other.open(system.build)
    other.close()


def test_embedded_that_failed_to_start_is_tried_again(tmp_path: Path) -> None:
    system = FakeSystem(RuntimeError("file is not a database"))
    store = EmbeddedChroma(tmp_path)
    with pytest.raises(RuntimeError):
        store.open(system.build)
    assert store.open(system.build) is system
    store.close()


def test_embedded_never_loads_an_index_that_was_cut_short(tmp_path: Path) -> None:
    write_index(tmp_path / "chroma" / "some-index", data_bytes=7)
    system = FakeSystem()
    with pytest.raises(BadDependencyReply, match=r"some-index was cut short; .* move that folder away"):
        EmbeddedChroma(tmp_path / "chroma").open(system.build)
    assert system.started == 0


@pytest.mark.parametrize(
    ("url", "host", "port", "secure"),
    [
        ("http://127.0.0.1:8003", "127.0.0.1", 8003, False),
        ("http://chromadb-dev", "chromadb-dev", 80, False),
        ("https://chroma.example/", "chroma.example", 443, True),
    ],
)
def test_remote_takes_host_and_port_from_the_address(url: str, host: str, port: int, secure: bool) -> None:
    system = FakeSystem()
    store = RemoteChroma(url)
    store.open(system.build)
    assert system.settings == [
        {
            "chroma_api_impl": "chromadb.api.fastapi.FastAPI",
            "chroma_server_host": host,
            "chroma_server_http_port": port,
            "chroma_server_ssl_enabled": secure,
        }
    ]
    assert f"{host}:{port}" in store.trouble
    store.close()
    store.close()


@pytest.mark.parametrize("url", ["", "localhost:8000", "redis://127.0.0.1", "http://"])
def test_remote_refuses_what_is_no_address(url: str) -> None:
    with pytest.raises(ValueError, match="no address of a Chroma server"):
        RemoteChroma(url)


def test_remote_sends_headers_of_the_call_within_its_deadline() -> None:
    system = FakeSystem()
    store = RemoteChroma("http://127.0.0.1:8000")
    store.open(system.build)
    session = system.session
    assert session.headers["x-kept"] == "yes"
    assert not session.trust_env
    store.call({"traceparent": "00-abc"}, 0.25)
    request = session.build_request("GET", "http://127.0.0.1:8000/")
    for hook in session.event_hooks["request"]:
        hook(request)
    assert request.headers["traceparent"] == "00-abc"
    assert request.extensions["timeout"] == {"connect": 0.25, "read": 0.25, "write": 0.25, "pool": 0.25}
    store.call({}, 30.0)
    later = session.build_request("GET", "http://127.0.0.1:8000/")
    session.event_hooks["request"][0](later)
    assert "traceparent" not in later.headers
    assert later.extensions["timeout"] == {"connect": 1.0, "read": 30.0, "write": 30.0, "pool": 30.0}
    store.close()
    assert session.is_closed
