"""What doctor looks at on this machine."""

import os
import socket
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from service.auth.keys import KeyStore
from service.auth.principal import Scope
from service.cli import local_checks
from service.cli.finding import State
from service.clock import SystemClock
from service.data_folder import DataFolder
from service.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return changed(tmp_path)


def changed(folder: Path, **groups: Any) -> Settings:
    return Settings(data_dir=folder / "data", documents_dir=folder / "documents", **groups)


def with_key(settings: Settings) -> Settings:
    KeyStore(settings.keys_file, SystemClock()).create("laptop", [Scope.ASK])
    return settings


def test_this_python_and_this_sqlite_will_do() -> None:
    assert local_checks.python().state is State.OK
    found = local_checks.full_text_search()
    assert (found.state, found.seen) == (State.OK, f"SQLite {sqlite3.sqlite_version}")


def test_a_data_folder_that_is_not_there_yet_is_fine_where_it_can_be_made(settings: Settings) -> None:
    found = local_checks.data_folder(settings)
    assert found.state in {State.OK, State.WARNING}  # a warning where this disk is nearly full
    assert "made at the first start" in found.seen
    assert not settings.data_dir.exists()


def test_a_data_folder_that_cannot_be_is_a_problem(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    found = local_checks.data_folder(settings)
    assert found.state is State.PROBLEM
    assert "RAG_DATA_DIR" in found.seen


def test_who_holds_the_data_folder_is_told(settings: Settings) -> None:
    assert local_checks.data_folder_lock(settings).state is State.OK
    with DataFolder(settings.data_dir, min_free_bytes=0):
        found = local_checks.data_folder_lock(settings)
        assert found.state is State.INFO
        assert f"process {os.getpid()}" in found.seen
    assert local_checks.data_folder_lock(settings).state is State.OK


def test_documents(settings: Settings) -> None:
    assert local_checks.documents_folder(settings).state is State.WARNING
    settings.documents_dir.mkdir()
    assert "empty" in local_checks.documents_folder(settings).seen
    (settings.documents_dir / "a.md").write_text("text")
    found = local_checks.documents_folder(settings)
    assert (found.state, "1 file" in found.seen) == (State.OK, True)


def test_vectors_in_the_data_folder(settings: Settings) -> None:
    assert local_checks.embedded_vectors(settings).state is State.OK
    store = settings.data_dir / "chroma"
    store.mkdir(parents=True)
    connection = sqlite3.connect(store / "chroma.sqlite3")
    connection.execute("CREATE TABLE collections (id)")
    connection.close()
    found = local_checks.embedded_vectors(settings)
    assert (found.state, found.seen) == (State.OK, str(store))
    (store / "chroma.sqlite3").write_bytes(b"this is no database" * 100)
    found = local_checks.embedded_vectors(settings)
    assert (found.state, "move that folder away" in found.todo) == (State.WARNING, True)


def test_no_key_is_fine_on_loopback(settings: Settings) -> None:
    assert local_checks.key_file(settings).state is State.OK
    assert "1 live" in local_checks.key_file(with_key(settings)).seen


@pytest.mark.parametrize("mode", ["auto", "keys", "open"])
def test_a_public_address_without_a_key_is_a_problem(tmp_path: Path, mode: str) -> None:
    settings = changed(tmp_path, server={"host": "0.0.0.0"}, auth={"mode": mode})
    found = local_checks.key_file(settings)
    assert (found.state, "keys create" in found.todo) == (State.PROBLEM, True)


@pytest.mark.parametrize(
    ("host", "mode", "state"),
    [("0.0.0.0", "auto", State.OK), ("0.0.0.0", "open", State.WARNING), ("127.0.0.1", "keys", State.OK)],
)
def test_keys_on_a_public_address_are_asked_for(tmp_path: Path, host: str, mode: str, state: State) -> None:
    settings = with_key(changed(tmp_path, server={"host": host}, auth={"mode": mode}))
    assert local_checks.key_file(settings).state is state


@pytest.mark.parametrize(
    ("published_on", "state"), [("127.0.0.1", State.OK), ("0.0.0.0", State.PROBLEM), ("", State.PROBLEM)]
)
def test_in_a_container_the_address_of_its_host_counts(tmp_path: Path, published_on: str, state: State) -> None:
    server = {"host": "0.0.0.0", "published_on": published_on}
    found = local_checks.key_file(changed(tmp_path, server=server))
    assert found.state is state
    assert ("can be reached from outside" in found.seen) is (state is State.PROBLEM)


def test_keys_asked_for_and_none_there_is_a_warning(tmp_path: Path) -> None:
    found = local_checks.key_file(changed(tmp_path, auth={"mode": "keys"}))
    assert (found.state, "nobody can ask" in found.seen) == (State.WARNING, True)


def test_a_key_file_that_others_can_read_is_a_problem(settings: Settings) -> None:
    with_key(settings).keys_file.chmod(0o640)
    found = local_checks.key_file(settings)
    assert (found.state, "chmod 600" in found.seen) == (State.PROBLEM, True)


def test_a_clock_behind_its_own_files_is_a_warning(settings: Settings) -> None:
    assert local_checks.clock(settings).state is State.OK
    settings.data_dir.mkdir()
    file = settings.data_dir / "corpus.db"
    file.touch()
    assert local_checks.clock(settings).state is State.OK
    tomorrow = SystemClock().time() + 86_400
    os.utime(file, (tomorrow, tomorrow))
    found = local_checks.clock(settings)
    assert (found.state, "timedatectl" in found.todo) == (State.WARNING, True)


def test_a_port_is_free_or_taken() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen(1)
        number = taken.getsockname()[1]
        found = local_checks.port("service port", "127.0.0.1", number, "RAG_SERVER__PORT", State.PROBLEM)
        assert found.state is State.PROBLEM
        assert "RAG_SERVER__PORT" in found.todo
    found = local_checks.port("service port", "127.0.0.1", number, "RAG_SERVER__PORT", State.PROBLEM)
    assert (found.state, found.seen) == (State.OK, f"127.0.0.1:{number} is free")
    assert local_checks.port("metrics port", "127.0.0.1", 0, "X", State.WARNING).state is State.OK


def test_an_address_that_is_not_of_this_machine_is_told_as_such() -> None:
    found = local_checks.port("service port", "192.0.2.7", 8001, "RAG_SERVER__PORT", State.PROBLEM)
    assert (found.state, "RAG_SERVER__HOST" in found.todo) == (State.PROBLEM, True)
