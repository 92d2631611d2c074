import pytest

from ops.compose.rules import reach
from tests.unit.ops.compose.samples import DIGEST, sample


def test_a_service_on_loopback_keeps_the_rules() -> None:
    for rule in (reach.loopback, reach.known_networks, reach.pinned):
        assert list(rule(sample())) == []


@pytest.mark.parametrize("port", ["8000:8000", "0.0.0.0:8000:8000", "8000", "${RAG_BIND}:8000:8000", "[::]:8000:8000"])
def test_a_port_beyond_loopback_is_told(port: str) -> None:
    (fault,) = reach.loopback(sample("frontend", ports=[port]))
    assert "is published on" in fault


def test_only_who_asks_who_is_there_may_follow_the_choice_of_address() -> None:
    by_choice = ["${RAG_BIND:-127.0.0.1}:8000:8000"]
    assert list(reach.loopback(sample("rag-service-dev", ports=by_choice))) == []
    (fault,) = reach.loopback(sample("ollama", ports=by_choice))
    assert "asked for nothing" in fault


def test_the_network_that_compose_makes_by_itself_is_told() -> None:
    assert list(reach.known_networks(sample(without="networks"))) != []
    assert list(reach.known_networks(sample(without="networks", network_mode="none"))) == []


@pytest.mark.parametrize(
    "image",
    [f"example/store:1.2.3@{DIGEST}", "example/store:v1.2", "registry:5000/store:1.2.3-slim", "emini-rag:latest"],
)
def test_a_fixed_version_and_an_own_image_are_pinned(image: str) -> None:
    assert list(reach.pinned(sample(image=image))) == []


@pytest.mark.parametrize(
    "image",
    [
        "example/store",
        "example/store:latest",
        "example/store:stable",
        f"example/store@{DIGEST}",
        "example/store:1.2.3@sha256:123",
        "registry:5000/store",
        "example/emini-rag:latest",
        "${UNKNOWN_IMAGE:?is set in .env}",
    ],
)
def test_an_image_that_may_change_is_told(image: str) -> None:
    assert len(list(reach.pinned(sample(image=image)))) == 1
