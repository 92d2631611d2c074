from ops.compose.container import Bind, Published
from tests.unit.ops.compose.samples import sample


def test_the_role_is_the_name_in_production() -> None:
    assert sample("ollama-dev").role == sample("ollama").role == "ollama"


def test_the_image_has_its_variables_replaced() -> None:
    assert sample().image.startswith("example/store:1.2.3@sha256:")
    assert sample(image="${UNKNOWN_IMAGE:?is set in .env}").image == ""


def test_the_environment_is_read_in_both_forms() -> None:
    assert sample(environment={"A": 1, "B": None}).environment == {"A": "1", "B": ""}
    assert sample(environment=["A=1", "B"]).environment == {"A": "1", "B": ""}
    assert sample(without="environment").environment == {}


def test_networks_are_read_in_both_forms() -> None:
    assert list(sample(networks=["one", "two"]).networks) == ["one", "two"]
    assert sample(networks={"one": {"aliases": ["store"]}, "two": None}).networks["one"] == {"aliases": ["store"]}


def test_binds_and_volumes_are_told_apart_in_both_forms() -> None:
    long = {"type": "bind", "source": "./a", "target": "/a", "read_only": True, "bind": {"create_host_path": False}}
    volume = {"type": "volume", "source": "other_data", "target": "/other"}
    container = sample(volumes=["store_data:/data", "./b:/b", "/etc:/host:ro", long, volume])

    assert list(container.binds) == [
        Bind("./b", "/b", read_only=False, made_by_docker=True),
        Bind("/etc", "/host", read_only=True, made_by_docker=True),
        Bind("./a", "/a", read_only=True, made_by_docker=False),
    ]
    assert container.volumes == {"store_data", "other_data"}


def test_a_bind_in_the_long_form_is_made_by_docker_unless_it_says_otherwise() -> None:
    (bind,) = sample(volumes=[{"type": "bind", "source": "./a", "target": "/a"}]).binds
    assert bind == Bind("./a", "/a", read_only=False, made_by_docker=True)


def test_ports_are_read_with_their_address() -> None:
    ports = ["127.0.0.1:8000:80", "${RAG_BIND:-127.0.0.1}:8001:81", "8002:82", "[::1]:8003:83/tcp"]
    assert list(sample(ports=ports).published) == [
        Published("127.0.0.1", 8000, 80),
        Published("${RAG_BIND:-127.0.0.1}", 8001, 81),
        Published("", 8002, 82),
        Published("[::1]", 8003, 83),
    ]


def test_a_port_in_any_other_form_counts_as_open_to_everybody() -> None:
    assert [one.address for one in sample(ports=["8000", {"target": 80}, "8000-8010:8000-8010"]).published] == [""] * 3


def test_the_dockerfile_is_known_for_an_image_that_is_built() -> None:
    assert sample().dockerfile is None
    assert str(sample(build="front").dockerfile) == "/nowhere/front/Dockerfile"
    assert str(sample(build={"context": ".", "dockerfile": "a/b"}).dockerfile) == "/nowhere/a/b"
