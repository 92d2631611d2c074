"""Why a service is not ready, in words."""

import json

import pytest

from ops.rollout.readiness import away, unready
from ops.stack.process import free_port
from service.cli.failures import Failure
from tests.fakes.stub_server import Stub

DEPENDENCIES = [
    {"name": "sqlite", "ok": False, "required": True},
    {"name": "ollama", "ok": False, "required": False},
    {"name": "cache", "ok": True, "required": False},
]


def test_ready_and_what_is_away_all_the_same() -> None:
    with Stub() as stub:
        stub.content = json.dumps({"status": "ready", "dependencies": DEPENDENCIES[1:]}).encode()
        assert unready(stub.url) == ""
        assert away(stub.url) == ["ollama"]


def test_not_ready_says_for_want_of_what() -> None:
    with Stub() as stub:
        stub.status, stub.content = 503, json.dumps({"status": "not_ready", "dependencies": DEPENDENCIES}).encode()
        assert unready(stub.url) == "it says not_ready, for want of sqlite"
        with pytest.raises(Failure, match="is not ready"):
            away(stub.url)
        stub.content = b"<html>"
        assert unready(stub.url) == "it answers with 503"
        stub.content = b'{"status": "ready"}'
        assert unready(stub.url) == "it answers with 503"


def test_nobody_there() -> None:
    assert "does not answer" in unready(f"http://127.0.0.1:{free_port()}")
