"""The faults that drills inject: each a context in which something is really broken, and afterwards whole again."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from service.cli.drill.halting import Slowed, held
from service.cli.drill.past import pace
from service.cli.drill.processes import Process
from service.cli.drill.scene import Scene
from service.cli.drill.traffic import Traffic
from service.cli.failures import Failure

# A slowed model runs for a moment, and is held for so many times as long less one.
_RUN_S = 0.1
_SLOWER = 4.0
LEAST_SLOWER = 1.8
# To be quicker than an answer of a small model: it is slowed while it is killed.
_MOMENT_S, _HELD_S = 0.01, 0.03
_SPARE = 1.5


@dataclass
class Acting:
    """What a fault works on: the scene, the questions that are asked meanwhile, and the query of the rule."""

    scene: Scene
    traffic: Traffic
    query: str = ""


@contextmanager
def slow_model(acting: Acting) -> Iterator[str]:
    """The process that runs the model is held for most of the time."""
    scene = acting.scene
    times = slower(acting.traffic.mean_s, *pace(acting.query))
    find = _runner(scene)
    if find() is None:
        raise Failure(f"The process that runs {scene.model} was not found among those of Ollama")
    with Slowed(scene.parts.machine, find, _RUN_S, _RUN_S * (times - 1)):
        yield f"{scene.model} runs for {1 / times:.0%} of the time, and is held for the rest"


def slower(mean_s: float, window_s: float, answers: int) -> float:
    """How many times as long answers may take, so that there are still enough for the rule in its window."""
    most = window_s / (_SPARE * answers * mean_s) if mean_s and answers else _SLOWER
    if most < LEAST_SLOWER:
        todo = "Name a smaller model with --model, or let answers be shorter with --question."
        raise Failure(f"Answers take {mean_s:.1f} s: slower ones would be too few for the rule", todo=todo)
    return min(most, _SLOWER)


@contextmanager
def cold_model(acting: Acting) -> Iterator[str]:
    """Ollama takes the model out of memory before each question."""
    scene, models = acting.scene, acting.scene.parts.models()

    def unload() -> None:
        models.unload(scene.model)
        scene.await_unloaded()

    with _before_each(acting.traffic, unload):
        yield f"{scene.model} is unloaded before each question"


@contextmanager
def model_missing(acting: Acting) -> Iterator[str]:
    """Ollama does not know the model any more."""
    model = acting.scene.model
    with acting.scene.parts.models().without(model) as digest:
        yield f"{model} ({digest[:12]}) is kept under another name and removed"


def ollama_down(acting: Acting) -> AbstractContextManager[str]:
    """The server keeps its port and does not answer, so nobody starts it anew."""
    return _held(acting, acting.scene.parts.ollama_process())


def chroma_down(acting: Acting) -> AbstractContextManager[str]:
    """As Ollama."""
    return _held(acting, acting.scene.parts.chroma_process())


def collector_down(acting: Acting) -> AbstractContextManager[str]:
    """As Ollama."""
    return _held(acting, acting.scene.parts.collector_process())


@contextmanager
def cache_flushed(acting: Acting) -> Iterator[str]:
    """The service drops every kept answer before each question."""
    service = acting.scene.service
    with _before_each(acting.traffic, lambda: service.delete("/monitoring/cache")):
        yield "every kept answer is dropped before each question"


@contextmanager
def queue_full(acting: Acting) -> Iterator[str]:
    """So many ask at once that half of them find no place."""
    scene = acting.scene
    models = {one["name"]: one for one in scene.service.get("/monitoring/models")["models"]}
    places = int(models[scene.model]["slots"]) + int(models[scene.model]["max_waiting"])
    askers = 2 * places + 2
    with acting.traffic.more(askers):
        yield f"{askers} ask {scene.model} at once, and {places} find a place"


@contextmanager
def poisoned(acting: Acting) -> Iterator[str]:
    """The process that runs the model is killed in the middle of an answer; every other question is left in peace."""
    scene = acting.scene
    body, find = scene.body(0) | {"stream": True}, _runner(scene)

    def poison() -> None:
        with Slowed(scene.parts.machine, find, _MOMENT_S, _HELD_S) as slowed:
            for event, data in scene.service.stream("/ask", body):
                if event == "token" and (process := slowed.now) is not None:
                    scene.parts.machine.kill(process)
                elif event == "error":
                    acting.traffic.counted(str(data.get("kind", "")))

    with _before_each(acting.traffic, poison):
        yield f"the process that runs {scene.model} is killed in the middle of every other answer"


def _runner(scene: Scene) -> Callable[[], Process | None]:
    """Finds the process that runs the model."""
    file = scene.parts.models().file_of(scene.model)
    if not file:
        raise Failure(f"Ollama does not say which file {scene.model} is")
    return lambda: scene.parts.runner_of(file)


@contextmanager
def _held(acting: Acting, process: Process) -> Iterator[str]:
    with held(acting.scene.parts.machine, process):
        yield f"{process} is held: it keeps its port, and does not answer"


@contextmanager
def _before_each(traffic: Traffic, what: Callable[[], object]) -> Iterator[None]:
    traffic.before = what
    try:
        yield
    finally:
        traffic.before = None
