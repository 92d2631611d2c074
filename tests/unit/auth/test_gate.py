"""Who may come in."""

from pathlib import Path

import pytest

from service.auth.gate import AutoGate, KeyGate, OpenGate, gate_for
from service.auth.keys import KeyStore
from service.auth.principal import LOCAL, Scope
from service.errors import ErrorKind, Unauthorized
from tests.fakes.clock import ManualClock


@pytest.fixture
def store(tmp_path: Path) -> KeyStore:
    return KeyStore(tmp_path / "keys.json", ManualClock())


async def test_a_key_lets_its_holder_in(store: KeyStore) -> None:
    token, record = store.create("web", [Scope.ASK], tenant="blue")
    for header in (f"Bearer {token}", f"bearer   {token} "):
        principal = await KeyGate(store).admit(header)
        assert (principal.id, principal.tenant, principal.scopes) == (record.id, "blue", {Scope.ASK})


@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", "Bearer ", "Basic dTpw", "erag_1_2", "Bearer wrong", "Bearer " + "x" * 10_000, "Bearer \0"],
)
async def test_everything_else_keeps_out(store: KeyStore, header: str | None) -> None:
    store.create("web", [Scope.ASK])
    with pytest.raises(Unauthorized) as caught:
        await KeyGate(store).admit(header)
    assert caught.value.kind is ErrorKind.UNAUTHORIZED
    assert "x" * 100 not in caught.value.detail


async def test_auto_is_open_until_the_first_key_and_never_again(store: KeyStore) -> None:
    gate = AutoGate(store)
    assert await gate.admit(None) is LOCAL
    assert await gate.admit("Bearer whatever") is LOCAL
    token, record = store.create("web", [Scope.ASK])
    with pytest.raises(Unauthorized):
        await gate.admit(None)
    assert (await gate.admit(f"Bearer {token}")).id == record.id
    store.revoke(record.id)
    for header in (None, f"Bearer {token}"):
        with pytest.raises(Unauthorized):
            await gate.admit(header)


async def test_open_asks_for_nothing() -> None:
    assert await OpenGate().admit("Bearer x") is LOCAL


def test_the_mode_and_the_address_choose_the_gate(store: KeyStore) -> None:
    assert isinstance(gate_for("open", "0.0.0.0", store), OpenGate)
    assert isinstance(gate_for("keys", "127.0.0.1", store), KeyGate)
    assert isinstance(gate_for("auto", "127.0.0.1", store), AutoGate)
    assert isinstance(gate_for("auto", "0.0.0.0", store), KeyGate)
    with pytest.raises(ValueError, match="auto, keys, open"):
        gate_for("maybe", "127.0.0.1", store)
