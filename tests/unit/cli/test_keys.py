"""`emini-rag keys`."""

import json
from pathlib import Path

from service.auth.keys import KeyStore
from service.auth.principal import Scope
from tests.unit.cli.conftest import Shell


def store(shell: Shell) -> KeyStore:
    return KeyStore(shell.settings.keys_file, shell.clock)


def test_a_key_is_shown_once_and_works(shell: Shell) -> None:
    told = shell(
        "keys", "create", "laptop", "--scope", "ask", "--scope", "ingest", "--expires", "90d", "--tenant", "desk"
    )
    assert told.exit_code == 0, told.output
    token = told.stdout.strip()
    principal = store(shell).verify(token)
    assert (principal.name, principal.tenant) == ("laptop", "desk")
    assert principal.scopes == {Scope.ASK, Scope.INGEST}
    assert "ask, ingest, until" in told.stderr
    assert token not in told.stderr
    assert token not in shell("keys", "list").output
    shell.clock.advance(90 * 86400)
    assert not store(shell).has_live_keys()


def test_without_more_words_a_key_may_ask_and_lasts(shell: Shell) -> None:
    token = shell("keys", "create", "laptop").stdout.strip()
    assert store(shell).verify(token).scopes == {Scope.ASK}
    (record,) = store(shell).list()
    assert record.expires_at is None


def test_quiet_prints_the_key_alone(shell: Shell) -> None:
    told = shell("keys", "create", "ci", "--quiet")
    assert told.output == told.stdout
    assert told.stdout.startswith("erag_")


def test_a_third_live_key_is_refused_with_what_to_do(shell: Shell) -> None:
    for _ in range(2):
        assert shell("keys", "create", "laptop").exit_code == 0
    told = shell("keys", "create", "laptop")
    assert (told.exit_code, told.stdout) == (1, "")
    assert "revoke one" in told.stderr


def test_a_scope_or_a_life_time_that_is_not_known_is_used_wrongly(shell: Shell) -> None:
    assert shell("keys", "create", "x", "--scope", "all").exit_code == 2
    told = shell("keys", "create", "x", "--expires", "soon")
    assert told.exit_code == 2
    assert "90d" in told.stderr
    assert not shell.settings.keys_file.exists()


def test_the_list_tells_live_expired_and_revoked(shell: Shell) -> None:
    shell("keys", "create", "a", "--expires", "1h")
    shell("keys", "create", "b")
    shell("keys", "create", "c")
    ids = {record.name: record.id for record in store(shell).list()}
    shell.clock.advance(3600)
    revoked = shell("keys", "revoke", ids["b"])
    assert "is revoked" in revoked.stdout
    assert revoked.stderr == ""
    states = {one["name"]: one["state"] for one in json.loads(shell("keys", "list", "--json").stdout)}
    assert states == {"a": "expired", "b": "revoked", "c": "live"}
    told = shell("keys", "list").stdout
    assert all(key_id in told for key_id in ids.values())
    assert "sha256" not in shell("keys", "list", "--json").stdout


def test_revoking_the_last_key_warns(shell: Shell) -> None:
    shell("keys", "create", "a")
    (record,) = store(shell).list()
    assert "No live key is left" in shell("keys", "revoke", record.id).stderr


def test_revoking_what_is_not_there_is_told(shell: Shell) -> None:
    told = shell("keys", "revoke", "nope")
    assert told.exit_code == 1
    assert "keys list" in told.stderr


def test_no_key_at_all_is_said(shell: Shell) -> None:
    assert "There is no key" in shell("keys", "list").stdout


def test_a_file_that_others_can_read_is_told(shell: Shell) -> None:
    shell("keys", "create", "a")
    shell.settings.keys_file.chmod(0o644)
    told = shell("keys", "list")
    assert told.exit_code == 1
    assert "chmod 600" in told.stderr


def test_the_file_of_the_settings_is_used(shell: Shell, tmp_path: Path) -> None:
    shell.changes["auth"] = {"keys_file": tmp_path / "elsewhere.json"}
    shell("keys", "create", "a")
    assert (tmp_path / "elsewhere.json").exists()
