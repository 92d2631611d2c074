"""Who is called, from an address."""

import pytest

from service.telemetry.instrumented.peer import Peer


@pytest.mark.parametrize(
    ("url", "address", "port"),
    [
        ("http://127.0.0.1:11434", "127.0.0.1", 11434),
        ("https://models.example", "models.example", 443),
        ("http://user:secret@box/", "box", 80),
        ("http://[::1]:9/", "::1", 9),
    ],
)
def test_an_address_without_its_credentials(url: str, address: str, port: int) -> None:
    assert Peer.of("ollama", url) == Peer("ollama", address, port)
    assert Peer.of("ollama", url).attributes == {
        "service.peer.name": "ollama",
        "server.address": address,
        "server.port": port,
    }
