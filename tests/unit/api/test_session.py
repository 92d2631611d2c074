"""Who is asking."""

from service.api.answers import SessionShape
from service.auth.principal import Scope
from tests.fakes.services import FakeServices
from tests.unit.api.client import client_of, with_keys


async def test_a_key_hears_its_name_and_its_scopes() -> None:
    fakes, gate = with_keys()
    key = gate.key(Scope.MONITOR, Scope.ASK)
    async with client_of(fakes) as client:
        told = (await client.get("/session", headers=key)).json()
    SessionShape.model_validate(told)
    assert told == {
        "name": "key0",
        "scopes": ["ask", "monitor"],
        "service": "emini-rag",
        "version": "1.2.3",
        "environment": "test",
    }


async def test_without_a_key_nothing_is_told() -> None:
    fakes, _ = with_keys()
    async with client_of(fakes) as client:
        reply = await client.get("/session")
    assert reply.status_code == 401
    assert "1.2.3" not in reply.text


async def test_where_no_key_is_asked_for_everybody_may_do_everything() -> None:
    async with client_of(FakeServices()) as client:
        told = (await client.get("/api/session")).json()
    assert (told["name"], told["scopes"]) == ("local", ["ask", "ingest", "monitor", "admin"])
