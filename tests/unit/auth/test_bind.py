"""Which addresses may be listened on."""

from pathlib import Path

import pytest

from service.auth.bind import PublicWithoutKeys, check_bind, is_loopback
from service.auth.keys import KeyStore
from service.auth.principal import Scope
from tests.fakes.clock import ManualClock


@pytest.fixture
def store(tmp_path: Path) -> KeyStore:
    return KeyStore(tmp_path / "keys.json", ManualClock())


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "192.168.1.5", "box.lan"])
@pytest.mark.parametrize("mode", ["auto", "keys"])
def test_a_public_address_needs_a_key(store: KeyStore, mode: str, host: str) -> None:
    with pytest.raises(PublicWithoutKeys, match="emini-rag keys create"):
        check_bind(mode, host, store)
    _, record = store.create("web", [Scope.ASK])
    check_bind(mode, host, store)
    store.revoke(record.id)
    with pytest.raises(PublicWithoutKeys):
        check_bind(mode, host, store)


def test_loopback_and_an_explicit_choice_need_none(store: KeyStore) -> None:
    check_bind("auto", "127.0.0.1", store)
    check_bind("keys", "localhost", store)
    check_bind("open", "0.0.0.0", store)


def test_in_a_container_the_address_of_its_host_counts(store: KeyStore) -> None:
    for published_on in ("127.0.0.1", "::1", "[::1]", "localhost"):
        check_bind("auto", "0.0.0.0", store, published_on)
    check_bind("open", "0.0.0.0", store, "0.0.0.0")


@pytest.mark.parametrize("host", ["0.0.0.0", "127.0.0.1"])
@pytest.mark.parametrize("published_on", ["0.0.0.0", "192.168.1.5", "[::]", "box.lan"])
def test_a_port_published_to_others_needs_a_key_and_the_message_fits_a_container(
    store: KeyStore, host: str, published_on: str
) -> None:
    with pytest.raises(PublicWithoutKeys) as caught:
        check_bind("auto", host, store, published_on)
    detail = caught.value.detail
    assert f"published on {published_on}" in detail
    assert "RAG_BIND=127.0.0.1" in detail
    assert "`docker compose run --rm rag-service emini-rag keys create NAME --scope ask`" in detail
    store.create("web", [Scope.ASK])
    check_bind("auto", host, store, published_on)


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("[::1]", True),
        ("LOCALHOST", True),
        ("0.0.0.0", False),
        ("", False),
        ("localhost.example", False),
        ("10.0.0.1", False),
    ],
)
def test_what_loopback_is(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback
