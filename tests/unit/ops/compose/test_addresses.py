import pytest

from ops.compose.addresses import next_steps, table, url
from ops.compose.files import DEVELOPMENT, PRODUCTION
from ops.compose.host_ports import Wanted


def test_what_people_use_comes_first() -> None:
    ports = [
        Wanted("127.0.0.1", 4317, "collector"),
        Wanted("127.0.0.1", 3001, "grafana"),
        Wanted("127.0.0.1", 1, "something"),
        Wanted("127.0.0.1", 8001, "rag-service"),
    ]
    lines = [line.split()[:2] for line in table(ports)]
    assert lines == [
        ["http://localhost:8001", "rag-service"],
        ["http://localhost:3001", "grafana"],
        ["http://localhost:4317", "collector"],
        ["http://localhost:1", "something"],
    ]


@pytest.mark.parametrize(("address", "shown"), [("0.0.0.0", "localhost"), ("10.0.0.5", "10.0.0.5")])
def test_an_address_is_one_that_this_host_can_use(address: str, shown: str) -> None:
    assert url(Wanted(address, 8001, "rag-service")) == f"http://{shown}:8001"


def test_without_models_it_says_how_to_get_them() -> None:
    told = "\n".join(next_steps(PRODUCTION, {"dependencies": [{"name": "ollama", "ok": False}]}))
    assert "docker compose exec rag-service emini-rag models pull --all" in told
    assert "docker compose exec grafana cat /run/grafana/admin_password" in told


def test_with_models_only_the_password_is_told() -> None:
    told = "\n".join(next_steps(PRODUCTION, {"dependencies": [{"name": "ollama", "ok": True}]}))
    assert "models pull" not in told
    assert "admin_password" in told


@pytest.mark.parametrize("ready", [None, {}, {"dependencies": "none"}, {"dependencies": []}])
def test_without_an_answer_models_are_not_taken_for_granted(ready: dict[str, object] | None) -> None:
    assert "models pull --all" in "\n".join(next_steps(PRODUCTION, ready))


def test_commands_of_development_name_its_file() -> None:
    told = "\n".join(next_steps(DEVELOPMENT, None))
    assert "docker compose -f docker-compose.dev.yml exec rag-service-dev emini-rag" in told
    assert "docker compose -f docker-compose.dev.yml exec grafana-dev cat" in told
