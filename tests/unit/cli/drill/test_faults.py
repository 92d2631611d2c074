"""What each fault does, and that it is undone whatever happens."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from ops.stack.process import wait_until
from service.cli.drill import faults
from service.cli.drill.alertmanager import Alertmanager
from service.cli.drill.faults import Acting, slower
from service.cli.drill.parts import Parts
from service.cli.drill.processes import Process
from service.cli.drill.prometheus import Prometheus
from service.cli.drill.scene import Scene
from service.cli.drill.traffic import Traffic
from service.cli.failures import Failure
from tests.fakes.clock import ManualClock
from tests.fakes.drill_machine import FakeMachine
from tests.fakes.drill_parts import FakeDrillService, FakeModels

WITHIN_S = 10.0
RUNNER = Process(700, "1", "ollama", 1000, ("ollama", "runner", "--model", "/models/blobs/sha256-aaa"))


@dataclass
class World:
    """All that a fault acts on."""

    machine: FakeMachine
    ollama: FakeModels
    service: FakeDrillService
    server: Process
    acting: Acting

    @property
    def traffic(self) -> Traffic:
        return self.acting.traffic


@pytest.fixture
def world() -> Iterator[World]:
    machine, service = FakeMachine(), FakeDrillService()
    with FakeModels() as ollama:
        chroma, collector = "http://127.0.0.1:8103", "http://127.0.0.1:4328"
        machine.add(
            8002, "python", RAG_OLLAMA__URL=ollama.url, RAG_CHROMA__URL=chroma, OTEL_EXPORTER_OTLP_ENDPOINT=collector
        )
        server = machine.add(ollama.port, "ollama")
        machine.add(8103, "chroma")
        machine.add(4328, "otelcol")
        machine.family[server.pid] = [RUNNER]
        parts = Parts(service.url, machine, lambda seconds: None)  # type: ignore[arg-type]
        scene = Scene(service, Prometheus(""), Alertmanager(""), parts, lambda seconds: None, model="small:1b")  # type: ignore[arg-type]
        with Traffic(scene.ask, ManualClock(), pause_s=0.001) as traffic:
            yield World(machine, ollama, service, server, Acting(scene, traffic))


Hold = Callable[[Acting], object]


@pytest.mark.parametrize(
    ("fault", "port"), [(faults.ollama_down, 0), (faults.chroma_down, 8103), (faults.collector_down, 4328)]
)
def test_a_part_is_held_and_goes_on(world: World, fault: Hold, port: int) -> None:
    process = world.machine.listens[port or world.ollama.port]
    with pytest.raises(KeyboardInterrupt), fault(world.acting) as told:  # type: ignore[attr-defined]
        assert world.machine.stopped == {process.pid}
        assert process.name in told
        raise KeyboardInterrupt
    assert world.machine.stopped == set()


def test_the_process_of_the_model_is_slowed_and_goes_on(world: World) -> None:
    with pytest.raises(KeyboardInterrupt), faults.slow_model(world.acting) as told:
        wait_until(lambda: world.machine.log.count("stop 700") >= 2, WITHIN_S, "it is held again")
        assert "25%" in told
        raise KeyboardInterrupt
    assert world.machine.stopped == set()
    assert {line.split()[1] for line in world.machine.log} == {"700"}


def test_a_model_that_nothing_runs_cannot_be_slowed(world: World) -> None:
    world.machine.family.clear()
    with pytest.raises(Failure, match="was not found"), faults.slow_model(world.acting):
        pass


def test_answers_are_slowed_only_as_much_as_leaves_enough_of_them() -> None:
    assert slower(0.1, 300, 10) == 4.0
    assert slower(10.0, 300, 10) == pytest.approx(2.0)
    assert slower(0.0, 300, 10) == 4.0
    assert slower(1.0, 0, 0) == 4.0
    with pytest.raises(Failure, match="too few"):
        slower(30.0, 300, 10)


def test_the_model_is_unloaded_before_each_question(world: World) -> None:
    with faults.cold_model(world.acting):
        wait_until(lambda: world.ollama.calls.count("unload small:1b") >= 2, WITHIN_S, "it is unloaded")
    assert world.traffic.before is None
    world.traffic.check()


def test_the_model_is_away_and_comes_back(world: World) -> None:
    before = dict(world.ollama.digests)
    with pytest.raises(KeyboardInterrupt), faults.model_missing(world.acting):
        assert "small:1b" not in world.ollama.digests
        raise KeyboardInterrupt
    assert world.ollama.digests == before


def test_the_cache_is_dropped_before_each_question(world: World) -> None:
    with faults.cache_flushed(world.acting):
        wait_until(lambda: world.service.cleared >= 2, WITHIN_S, "it is dropped")
    assert world.traffic.before is None


def test_more_ask_than_there_are_places(world: World) -> None:
    with faults.queue_full(world.acting) as told:
        wait_until(lambda: len(world.service.asked) > 8, WITHIN_S, "all ask")
    assert told == "8 ask small:1b at once, and 3 find a place"
    assert {body["model"] for body in world.service.asked} == {"small:1b"}


def test_the_process_is_killed_at_the_first_token_and_the_failure_is_counted(world: World) -> None:
    world.service.events = [("meta", {}), ("token", {"text": "a"}), ("error", {"kind": "stream_error"})]

    def stream(path: str, body: dict[str, object]) -> Iterator[tuple[str, dict[str, object]]]:
        wait_until(lambda: "stop 700" in world.machine.log, WITHIN_S, "it is slowed")
        yield from world.service.events

    world.service.stream = stream  # type: ignore[method-assign,assignment]
    with faults.poisoned(world.acting):
        wait_until(lambda: world.traffic.failed["stream_error"] >= 1, WITHIN_S, "one has failed")
    assert "kill 700" in world.machine.log
    assert f"kill {world.server.pid}" not in world.machine.log
    # The question at hand may still be on its way.
    wait_until(lambda: not world.machine.stopped, WITHIN_S, "nothing is held")
    assert world.traffic.before is None
