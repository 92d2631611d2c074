"""The ports are those of the stack."""

from dataclasses import astuple

from ops.stack.ports import DEVELOPMENT, PRODUCTION
from service.cli.drill import ports


def test_the_addresses_are_those_of_a_development_stack() -> None:
    expected = [DEVELOPMENT.service, DEVELOPMENT.prometheus, DEVELOPMENT.alertmanager, DEVELOPMENT.ollama]
    addresses = (ports.SERVICE, ports.PROMETHEUS, ports.ALERTMANAGER, ports.OLLAMA)
    assert [int(url.rpartition(":")[2]) for url in addresses] == expected


def test_every_port_of_production_is_refused_and_none_of_development() -> None:
    assert set(astuple(PRODUCTION)) <= ports.PRODUCTION
    assert not set(astuple(DEVELOPMENT)) & ports.PRODUCTION
    assert PRODUCTION.ollama == ports.PRODUCTION_OLLAMA
