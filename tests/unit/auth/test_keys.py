"""Keys: made, checked, revoked, seen by others."""

import json
import logging
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.auth.key_file import KeyFileUnusable, KeyRecord
from service.auth.keys import KeyStore
from service.auth.principal import Principal, Scope
from service.errors import ErrorKind, NotFound, ServiceError, Unauthorized
from tests.fakes.clock import ManualClock

ASK = [Scope.ASK]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys.json"


@pytest.fixture
def store(path: Path, clock: ManualClock) -> KeyStore:
    return KeyStore(path, clock)


def refused(store: KeyStore, token: str) -> bool:
    with pytest.raises(Unauthorized, match="unknown, expired or revoked") as caught:
        store.verify(token)
    assert caught.value.kind is ErrorKind.UNAUTHORIZED
    return True


def test_a_key_tells_who_it_is(store: KeyStore) -> None:
    token, record = store.create("laptop", [Scope.ASK, Scope.INGEST], tenant="desk")
    assert store.verify(token) == Principal(record.id, "laptop", frozenset({Scope.ASK, Scope.INGEST}), "desk")


def test_the_token_has_its_form_and_is_kept_nowhere(store: KeyStore, path: Path) -> None:
    token, record = store.create("laptop", ASK)
    prefix, key_id, secret = token.split("_")
    assert (prefix, key_id) == ("erag", record.id)
    assert len(bytes.fromhex(secret)) == 32
    kept = "".join(file.read_text() for file in path.parent.iterdir())
    assert record.sha256 in kept
    assert secret not in kept
    assert secret not in repr(store.list())


def test_two_tokens_share_nothing(store: KeyStore) -> None:
    tokens = {store.create(f"client {number}", ASK)[0] for number in range(20)}
    assert len({token.split("_")[1] for token in tokens}) == len({token.split("_")[2] for token in tokens}) == 20


def altered(token: str) -> list[str]:
    prefix, key_id, secret = token.split("_")
    return [
        "", "erag", "erag_", "erag__", f"{prefix}_{key_id}", f"{prefix}_{key_id}_", f"{prefix}_{key_id}_{'0' * 64}",
        f"{prefix}_{'0' * 12}_{secret}", f"xrag_{key_id}_{secret}", f"{token}0", token[:-1], token.upper(), f" {token}",
        f"{token}\n", f"{token}\x00", token[:20] + "\x00" + token[21:], token + "0" * 10_000, "é" * 10_000,
        "\x00" * 10_000, "\ud800", f"{prefix}_{key_id}_{secret[::-1]}",
    ]  # fmt: skip


def test_anything_but_the_token_is_refused_alike(store: KeyStore) -> None:
    token, _ = store.create("laptop", ASK)
    for wrong in altered(token):
        assert refused(store, wrong)
    assert store.verify(token)


@given(st.text(max_size=120))
def test_no_text_brings_another_error(tmp_path_factory: pytest.TempPathFactory, token: str) -> None:
    store = KeyStore(tmp_path_factory.getbasetemp() / "none.json", ManualClock())
    assert refused(store, token)


def test_a_known_and_an_unknown_id_cost_the_same_work(path: Path, clock: ManualClock) -> None:
    compared: list[tuple[int, int]] = []

    def compare(one: bytes, other: bytes) -> bool:
        compared.append((len(one), len(other)))
        return one == other

    store = KeyStore(path, clock, compare=compare)
    token, record = store.create("laptop", ASK)
    for wrong in (token[:-1] + "x", token.replace(record.id, "0" * 12), "nonsense", "x" * 10_000):
        assert refused(store, wrong)
    assert compared == [(32, 32)] * 4


def test_a_key_expires(store: KeyStore, clock: ManualClock) -> None:
    token, record = store.create("laptop", ASK, expires_in_s=60)
    clock.advance(59)
    assert store.verify(token).id == record.id
    assert store.has_live_keys()
    clock.advance(1)
    assert refused(store, token)
    assert not store.has_live_keys()


def test_a_revoked_key_is_refused_at_once_and_stays_listed(store: KeyStore, clock: ManualClock) -> None:
    token, record = store.create("laptop", ASK)
    clock.advance(5)
    assert store.revoke(record.id).revoked_at == clock.time()
    assert refused(store, token)
    clock.advance(5)
    assert store.revoke(record.id).revoked_at == clock.time() - 5
    assert [(key.id, key.revoked_at) for key in store.list()] == [(record.id, clock.time() - 5)]


def test_revoking_what_is_not_there_says_so(store: KeyStore) -> None:
    with pytest.raises(NotFound, match=r"no key 123456.*keys list"):
        store.revoke("123456")


def test_a_name_has_two_live_keys_at_most(store: KeyStore, clock: ManualClock) -> None:
    _, first = store.create("laptop", ASK, expires_in_s=100)
    _, second = store.create("laptop", ASK)
    with pytest.raises(ServiceError, match=f"{first.id}, {second.id}.*revoke one") as caught:
        store.create("laptop", ASK)
    assert caught.value.kind is ErrorKind.BAD_REQUEST
    store.create("phone", ASK)
    store.revoke(second.id)
    store.create("laptop", ASK)
    clock.advance(101)
    store.create("laptop", ASK)
    assert len(store.list()) == 5


@pytest.mark.parametrize(
    ("name", "scopes", "expires_in_s", "tenant"),
    [
        ("", ASK, None, "t"), ("  ", ASK, None, "t"), ("x" * 101, ASK, None, "t"), ("a\nb", ASK, None, "t"),
        ("laptop", [], None, "t"), ("laptop", ASK, 0, "t"), ("laptop", ASK, -1, "t"),
        ("laptop", ASK, float("nan"), "t"), ("laptop", ASK, None, ""),
    ],
)  # fmt: skip
def test_a_key_that_makes_no_sense_is_not_made(
    store: KeyStore, path: Path, name: str, scopes: list[Scope], expires_in_s: float | None, tenant: str
) -> None:
    with pytest.raises(ServiceError, match="a key") as caught:
        store.create(name, scopes, expires_in_s, tenant)
    assert caught.value.kind is ErrorKind.BAD_REQUEST
    assert not path.exists()


def test_what_another_process_does_is_seen_after_a_second(store: KeyStore, path: Path, clock: ManualClock) -> None:
    assert store.list() == ()
    other = KeyStore(path, clock)
    token, record = other.create("laptop", ASK)
    assert refused(store, token)
    clock.advance(1.1)
    assert store.verify(token)
    other.revoke(record.id)
    clock.advance(1.1)
    assert refused(store, token)


def test_two_processes_do_not_undo_each_other(store: KeyStore, path: Path, clock: ManualClock) -> None:
    other = KeyStore(path, clock)
    _, mine = store.create("mine", ASK)
    _, others = other.create("other's", ASK)
    store.revoke(mine.id)
    again = KeyStore(path, clock)
    assert [(key.id, key.revoked_at is None) for key in again.list()] == [(mine.id, False), (others.id, True)]


def test_a_file_that_is_taken_away_takes_its_keys_with_it(store: KeyStore, path: Path, clock: ManualClock) -> None:
    token, _ = store.create("laptop", ASK)
    path.unlink()
    clock.advance(1.1)
    assert refused(store, token)


def ruin(path: Path) -> None:
    path.write_text("{")


@pytest.mark.parametrize("harm", [ruin, lambda path: path.chmod(0o644)])
def test_a_file_that_becomes_unusable_is_warned_of_once_and_the_known_keys_stay(
    store: KeyStore, path: Path, clock: ManualClock, caplog: pytest.LogCaptureFixture, harm: Callable[[Path], None]
) -> None:
    token, record = store.create("laptop", ASK)
    content = path.read_bytes()
    harm(path)
    with caplog.at_level(logging.WARNING):
        for _ in range(5):
            clock.advance(1.1)
            assert store.verify(token)
    assert len(caplog.records) == 1
    assert record.sha256 not in caplog.text
    with pytest.raises(KeyFileUnusable):
        KeyStore(path, clock)
    path.write_bytes(content)
    path.chmod(0o600)
    KeyStore(path, clock).revoke(record.id)
    clock.advance(1.1)
    assert refused(store, token)


def test_when_a_key_was_used_is_kept_in_memory_then_written(store: KeyStore, path: Path, clock: ManualClock) -> None:
    token, record = store.create("laptop", ASK)
    assert store.list()[0].last_used_at is None
    assert not store.flush()
    clock.advance(30)
    written = path.read_bytes()
    store.verify(token)
    assert path.read_bytes() == written
    assert store.list()[0].last_used_at == clock.time()
    assert store.flush()
    assert not store.flush()
    assert KeyStore(path, clock).list()[0].last_used_at == clock.time()
    assert store.revoke(record.id).last_used_at == clock.time()


def test_a_use_that_could_not_be_written_is_not_forgotten(store: KeyStore, path: Path, clock: ManualClock) -> None:
    token, _ = store.create("laptop", ASK)
    store.verify(token)
    content = path.read_bytes()
    ruin(path)
    with pytest.raises(KeyFileUnusable):
        store.flush()
    path.write_bytes(content)
    assert store.flush()
    assert json.loads(path.read_bytes())["keys"][0]["last_used_at"] == clock.time()


def test_a_failed_write_forgets_no_use_either(store: KeyStore, path: Path, clock: ManualClock) -> None:
    token, _ = store.create("laptop", ASK)
    # With this name the lock file beside it can be made, and the new file, whose name is longer, cannot.
    unwritable = path.with_name("k" * 248)
    unwritable.write_bytes(path.read_bytes())
    unwritable.chmod(0o600)
    other = KeyStore(unwritable, clock)
    other.verify(token)
    with pytest.raises(KeyFileUnusable, match="cannot be written"):
        other.flush()
    assert other.list()[0].last_used_at == clock.time()


def test_threads_may_use_it_together(store: KeyStore) -> None:
    token, record = store.create("laptop", ASK)
    made: list[KeyRecord] = []
    errors: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for _ in range(50):
                assert store.verify(token).id == record.id
            made.append(store.create(f"thread {number}", ASK)[1])
            store.flush()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)
    assert errors == []
    assert {key.id for key in store.list()} == {record.id} | {key.id for key in made}
    assert len(made) == 8
