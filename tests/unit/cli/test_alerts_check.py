"""What doctor says of alerts: none, nobody told, somebody told, and receivers that cannot be."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest

from ops.stack.process import free_port
from service.cli.alerts_check import FOLDER, alerts
from service.cli.finding import Finding, State
from service.settings import Server, Settings
from tests.fakes.stub_server import Stub


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "webhook_url").write_text("http://127.0.0.1/hook\n")
    (tmp_path / "slack_url").write_text(" \n")
    return tmp_path


async def look(receivers: str | None, folder: Path, port: int | None = None) -> list[Finding]:
    settings = Settings(alert_receivers=receivers, server=Server(port=free_port() if port is None else port))
    found = await alerts(settings, folder)
    assert {one.check for one in found} == {"alerts"}
    assert all(one.todo for one in found if one.state is not State.OK)
    return found


async def test_without_prometheus_there_are_none_and_that_is_a_choice(folder: Path) -> None:
    (found,) = await look(None, folder)
    assert found.state is State.INFO
    assert "make stack" in found.todo


@pytest.mark.parametrize("receivers", ["", "heartbeat"])
async def test_nobody_told_is_a_warning_that_says_how_to_change_it(receivers: str, tmp_path: Path) -> None:
    found = (await look(receivers, tmp_path / "away"))[0]
    assert (found.state, found.seen) == (State.WARNING, "they fire, and nobody is told")
    assert "ALERT_RECEIVERS" in found.todo
    assert "prometheus/receivers/README.md" in found.todo


async def test_a_receiver_with_its_file_is_told(folder: Path) -> None:
    (found,) = await look("webhook,email", folder)
    assert (found.state, found.seen) == (State.OK, "told by webhook, email")


@pytest.mark.parametrize(
    ("receivers", "seen"),
    [
        ("webhook,slack", "slack cannot be told: {}/slack_url is empty"),
        ("webhook,heartbeat", "heartbeat cannot be told: {}/heartbeat_url is not there"),
        ("webhook,slak", "slak is no receiver"),
    ],
)
async def test_one_that_cannot_be_told_is_a_warning_of_its_own(receivers: str, seen: str, folder: Path) -> None:
    whole, one = await look(receivers, folder)
    assert whole.state is State.OK
    assert "slak" not in whole.seen
    assert (one.state, one.seen) == (State.WARNING, seen.format(folder))


async def test_a_file_that_is_none_is_told_without_what_is_in_it(folder: Path) -> None:
    (folder / "webhook_url").write_bytes(b"\xff\xfe")
    (folder / "slack_url").unlink()
    (folder / "slack_url").mkdir()
    _, *unusable = await look("webhook,slack", folder)
    assert [one.seen.rpartition(" (")[2] for one in unusable] == ["no text)", "Is a directory)"]


async def test_files_that_cannot_be_seen_from_here_are_not_missed(tmp_path: Path) -> None:
    (found,) = await look("webhook", tmp_path / "away")
    assert found.state is State.OK


@pytest.mark.parametrize(("said", "state"), [("told", State.OK), ("nobody_told", State.WARNING), ("off", State.INFO)])
async def test_the_running_service_knows_better_than_this_shell(
    said: str, state: State, stub: Stub, folder: Path
) -> None:
    stub.content = f'{{"status": "ready", "dependencies": [], "alerts": "{said}"}}'.encode()
    for receivers in (None, "", "webhook"):
        (found,) = await look(receivers, folder, urlsplit(stub.url).port)
        assert found.state is state
    assert {path for _, path, _ in stub.seen} == {"/readyz"}


@pytest.mark.parametrize("content", [b"[]", b"{}", b'{"alerts": "loud"}', b"<html>"])
async def test_a_stranger_at_its_port_says_nothing(content: bytes, stub: Stub, folder: Path) -> None:
    stub.content = content
    (found,) = await look("webhook", folder, urlsplit(stub.url).port)
    assert found.state is State.OK


def test_the_folder_is_that_of_this_checkout() -> None:
    assert (FOLDER / "README.md").is_file()
