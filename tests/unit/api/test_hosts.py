"""Host and Origin."""

import pytest

from service.api.hosts import AllowedHosts
from service.errors import ErrorKind, Forbidden, ServiceError
from service.services import HttpLimits
from tests.fakes.services import FakeServices
from tests.unit.api.client import client_of


def check(hosts: AllowedHosts, host: str | None, method: str = "GET", origin: str | None = None) -> None:
    headers = [] if host is None else [(b"host", host.encode())]
    headers += [] if origin is None else [(b"origin", origin.encode())]
    hosts.check(method, headers, dict(headers))


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "localhost:8001",
        "LOCALHOST",
        "127.0.0.1:8001",
        "[::1]:8001",
        "192.168.1.5:8001",
        "rag.lan",
        "Box:1",
    ],
)
def test_known_names_and_every_address(host: str) -> None:
    check(AllowedHosts("box", ["rag.lan"]), host)


@pytest.mark.parametrize(
    "host",
    [None, "", "evil.example", "localhost.evil.example", "evil.example:8001", "127.0.0.1.evil.example", "[", "\xff"],
)
def test_names_of_others(host: str | None) -> None:
    with pytest.raises(ServiceError, match="Host header") as caught:
        check(AllowedHosts("127.0.0.1"), host)
    assert caught.value.kind is ErrorKind.BAD_REQUEST


def test_two_hosts_are_none() -> None:
    headers = [(b"host", b"localhost"), (b"host", b"localhost")]
    with pytest.raises(ServiceError):
        AllowedHosts("localhost").check("GET", headers, dict(headers))


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("http://localhost:3000", True),
        ("http://127.0.0.1:3002", True),
        ("http://[::1]:3000", True),
        ("https://rag.lan", True),
        ("http://10.0.0.9:8001", True),
        ("http://10.0.0.8:8001", False),
        ("https://evil.example", False),
        ("null", False),
        ("http://localhost.evil.example", False),
    ],
)
def test_pages_of_others_may_read_nothing_and_change_nothing(origin: str, allowed: bool) -> None:
    hosts = AllowedHosts("127.0.0.1", ["rag.lan"])
    check(hosts, "10.0.0.9:8001", "GET", origin)
    if allowed:
        check(hosts, "10.0.0.9:8001", "POST", origin)
    else:
        for method in ("POST", "DELETE", "PUT"):
            with pytest.raises(Forbidden, match="another site"):
                check(hosts, "10.0.0.9:8001", method, origin)


def test_a_star_turns_it_off() -> None:
    check(AllowedHosts("127.0.0.1", ["*"]), "evil.example", "POST", "https://evil.example")


def test_many_false_hosts_are_not_remembered() -> None:
    hosts = AllowedHosts("localhost")
    for number in range(1000):
        with pytest.raises(ServiceError):
            check(hosts, f"evil{number}.example")
    assert len(hosts._seen) <= 100


async def test_a_foreign_host_reaches_no_route() -> None:
    fakes = FakeServices(limits=HttpLimits(allowed_hosts=("rag.lan",)))
    async with client_of(fakes) as client:
        foreign = await client.post("/ask", json={"query": "x"}, headers={"host": "evil.example"})
        origin = await client.post("/ask", json={"query": "x"}, headers={"origin": "https://evil.example"})
        known = await client.post("/ask", json={"query": "x"}, headers={"host": "rag.lan"})
    assert (foreign.status_code, foreign.json()["kind"]) == (400, "bad_request")
    assert (origin.status_code, origin.json()["kind"]) == (403, "forbidden")
    assert known.status_code == 200
    assert len(fakes.asker.questions) == 1
