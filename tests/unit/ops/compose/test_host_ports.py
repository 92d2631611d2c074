import socket

from ops.compose.host_ports import Wanted, taken, wanted
from tests.unit.ops.compose.samples import sample


def test_what_is_wanted_has_the_address_that_it_will_have() -> None:
    container = sample("rag-service", ports=["${RAG_BIND:-127.0.0.1}:8001:8001", "127.0.0.1:9090:9090"])
    assert list(wanted([container], {})) == [
        Wanted("127.0.0.1", 8001, "rag-service"),
        Wanted("127.0.0.1", 9090, "rag-service"),
    ]
    assert next(wanted([container], {"RAG_BIND": "0.0.0.0"})).address == "0.0.0.0"


def test_a_port_that_somebody_listens_on_is_taken() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        (found,) = taken([Wanted("127.0.0.1", port, "grafana")], ours=())
    assert str(found) == f"{port} (for grafana)"
    assert taken([found], ours=()) == []


def test_a_port_of_our_own_containers_is_not_taken() -> None:
    ports = [Wanted("127.0.0.1", 8001, "rag-service"), Wanted("127.0.0.1", 3001, "grafana")]
    assert taken(ports, ours={8001}, is_taken=lambda address, port: True) == ports[1:]


def test_an_address_that_is_not_this_host_s_is_left_to_docker() -> None:
    assert taken([Wanted("192.0.2.1", 8001, "rag-service")], ours=()) == []
