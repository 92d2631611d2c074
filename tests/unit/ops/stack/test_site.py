"""The environment of a part: what the user has, what it needs, what was set for it, the later over the earlier."""

from pathlib import Path

from ops.stack.site import local
from tests.unit.ops.stack.samples import site


def test_the_variables_of_a_part(tmp_path: Path) -> None:
    given = site(
        tmp_path,
        inherited={"HOME": "/home/me", "PORT": "1", "LEVEL": "info"},
        extra={"tempo": {"LEVEL": "debug"}, "grafana": {"HOME": "/elsewhere"}},
    )
    assert given.variables("tempo", {"PORT": 3200, "DATA": tmp_path}) == {
        "HOME": "/home/me",
        "PORT": "3200",
        "DATA": str(tmp_path),
        "LEVEL": "debug",
    }


def test_the_model_server_that_is_named_for_the_service_wins(tmp_path: Path) -> None:
    ours, named = {"RAG_OLLAMA__URL": "http://ours.example"}, {"RAG_OLLAMA__URL": "http://named.example"}
    assert site(tmp_path).named_model_server == ""
    assert site(tmp_path, inherited=named).named_model_server == "http://named.example"
    assert site(tmp_path, inherited=named, extra={"service": ours}).named_model_server == "http://ours.example"


def test_addresses_are_of_this_machine_only() -> None:
    assert local(9090) == "http://127.0.0.1:9090"
