"""GPU and Ollama: which models are in memory, who waits for them, and what the GPU does meanwhile."""

from grafana_foundation_sdk.builders import dashboard as d

from dashboards import frame, look, panels
from dashboards import queries as q
from dashboards.grid import Grid
from dashboards.panels import V
from dashboards.sources import now, over_time
from prometheus import foreign
from prometheus.thresholds import Thresholds
from service.telemetry import catalogue as c
from service.telemetry.catalogue import MODEL_LABEL as MODEL

UID = "gpu"
_E = q.ENVIRONMENT
_M = f"{{{{{MODEL}}}}}"
_NO_GPU = "no GPU is measured"
# One exporter sees all of the box, whoever uses it.
_GPU = 'job="dcgm"'


def build(limits: Thresholds) -> d.Dashboard:
    """The dashboard."""
    grid = Grid()
    made = frame.dashboard(
        UID, "GPU and Ollama", "Which models are in memory, who waits for them, and what the GPU does meanwhile."
    )
    made.with_row(grid.row("Is everything there?"))
    for panel in _there():
        made.with_panel(grid.place(panel, 6, 7))
    made.with_row(grid.row("Which models are in memory?"))
    resident = grid.place(_resident(), 12, 7)
    made.with_panel(resident)
    for panel in (_vram(), *_memory()):
        made.with_panel(grid.place(panel, 12, 7))
    made.with_panel(grid.place(_builds(), 24, 6))
    made.with_row(grid.row("Who waits?"))
    for panel in _waiting():
        made.with_panel(grid.place(panel, 8, 7))
    made.with_row(grid.row("What does the GPU do?"))
    for panel in _gpu(limits):
        made.with_panel(grid.place(panel, 6, 7))
    made.annotation(frame.model_loads([resident.build().id_val]))
    return made


def _there() -> list[object]:
    return [
        panels.number(
            "Ollama answers",
            "1 while its last poll was answered. 0: start it (`ollama serve`), or correct RAG_OLLAMA__URL; until then answers are quotes.",
            over_time(q.gauge(c.OLLAMA_UP, _E), "up"),
            look.COUNT,
            bounds=look.falling(0.5, 1),
            empty="the service does not answer",
        ),
        panels.states(
            "Dependencies",
            "Red: it does not answer. Its own log says why; `emini-rag doctor` says what does not work without it.",
            over_time(q.gauge(c.DEPENDENCY_UP, _E, ("dependency",)), "{{dependency}}"),
            {0: ("away", look.BAD), 1: ("there", look.GOOD)},
        ),
        panels.states(
            "Breakers",
            "Open: after five failures nobody asks it for a while, and another model answers. It closes by itself when a probe succeeds.",
            over_time(q.gauge(c.BREAKER_STATE, _E, ("dependency",)), "{{dependency}}"),
            {0: ("closed", look.GOOD), 1: ("half open", look.DOUBTFUL), 2: ("open", look.BAD)},
        ),
        panels.lines(
            "Polls of Ollama without an answer, in 5 minutes",
            "Some: it is very busy. All: it is away. Answers go on with what was known last.",
            [over_time(q.increase(c.OLLAMA_POLL_ERRORS, _E), "failed")],
            look.COUNT,
        ),
    ]


def _resident() -> object:
    return panels.states(
        "Models in memory",
        "Models that alternate push each other out, and every answer waits for a load: make them fit together, or give tiers the same model.",
        over_time(q.gauge(c.OLLAMA_RESIDENT, _E, (MODEL,)), _M),
        {0: ("out", look.PLAIN), 1: ("in memory", look.GOOD)},
    )


def _vram() -> object:
    return panels.stacked(
        "Memory of loaded models on the GPU",
        "A model whose size is larger than its part here runs partly on the processor, and is many times slower.",
        [over_time(q.gauge(c.OLLAMA_VRAM, _E, (MODEL,)), _M)],
        look.BYTES,
        empty="no model is loaded",
    )


def _memory() -> list[object]:
    return [
        panels.lines(
            "Size of loaded models",
            "All of a model, on GPU and processor. Compare with its part on the GPU.",
            [over_time(q.gauge(c.OLLAMA_SIZE, _E, (MODEL,)), _M)],
            look.BYTES,
            empty="no model is loaded",
        ),
        panels.lines(
            "Time until a model is unloaded",
            "Falls to 0 without questions (RAG_OLLAMA__KEEP_ALIVE); the next answer then waits for the load.",
            [over_time(q.until_unloaded(_E), _M)],
            look.SECONDS,
            empty="no model is loaded",
        ),
        panels.lines(
            "Changes of what is in memory, in 30 minutes",
            "Many: models push each other out. See who alternates above.",
            [over_time(q.increase(c.OLLAMA_SWAPS, _E, (), q.LATELY), "changes")],
            look.COUNT,
        ),
        panels.lines(
            "Loads in 30 minutes, by model",
            "Each made somebody wait. Many of one model: it is pushed out between its questions, or unloaded too soon.",
            [over_time(q.increase(c.MODEL_LOADS, _E, (MODEL,), q.LATELY), _M)],
            look.COUNT,
        ),
    ]


def _builds() -> object:
    panel = panels.rows(
        "Which build of each model is installed",
        "A digest that changed explains a model that suddenly answers otherwise, or slower.",
        [now(f"{c.OLLAMA_INFO.name}{{{_E}}}")],
        empty="no model is installed",
        unit="string",
    )
    names = {MODEL: "Model", "parameter_size": "Parameters", "quantization": "Quantization", "digest": "Digest"}
    hidden = ("Value", "__name__", "instance", "job", "deployment_environment_name", "service_version")
    return panels.columns(panel, names, hidden=hidden)


def _waiting() -> list[object]:
    return [
        panels.lines(
            "Questions at each model now",
            "The dashed line is its places (RAG_ADMISSION__SLOTS). At it for long: the model is the bottleneck.",
            [
                over_time(q.gauge(c.ADMISSION_IN_FLIGHT, _E, (MODEL,)), _M, "A"),
                over_time(q.gauge(c.ADMISSION_CAPACITY, _E, (MODEL,)), f"places of {_M}", "B"),
            ],
            look.COUNT,
        ).override_by_regexp("/^places of/", [V("custom.lineStyle", {"fill": "dash", "dash": [2, 4]})]),
        panels.lines(
            "Questions waiting for each model",
            "Each waits at most RAG_DEADLINES__QUEUE_S. Steady: give the tier a smaller model, or more memory and places.",
            [over_time(q.gauge(c.ADMISSION_WAITING, _E, (MODEL,)), _M)],
            look.COUNT,
        ),
        panels.lines(
            "Questions turned away in 5 minutes",
            "Too many at once. People were told to try again; if it lasts, see the two panels before.",
            [over_time(q.increase(c.REJECTIONS, _E, (MODEL, "reason")), f"{_M} {{{{reason}}}}")],
            look.COUNT,
            empty="none",
        ),
    ]


def _gpu(limits: Thresholds) -> list[object]:
    free = f"{q.foreign_gauge(foreign.GPU_MEMORY_USED, _GPU, ('gpu',))} + {q.foreign_gauge(foreign.GPU_MEMORY_FREE, _GPU, ('gpu',))}"
    used = q.foreign_gauge(foreign.GPU_MEMORY_USED, _GPU, ("gpu",))
    return [
        panels.lines(
            "GPU busy",
            "Low while questions wait: the model is not on the GPU. High without questions here: somebody else uses it, perhaps development.",
            [over_time(f"{q.foreign_gauge(foreign.GPU_USE, _GPU, ('gpu',))} / 100", "GPU {{gpu}}")],
            look.RATIO,
            at_most=1,
            empty=_NO_GPU,
        ),
        panels.lines(
            "GPU memory in use",
            "Full: the next model pushes one out, or runs on the processor.",
            [over_time(f"{used} / ({free})", "GPU {{gpu}}")],
            look.RATIO,
            at_most=1,
            empty=_NO_GPU,
        ),
        panels.lines(
            "GPU temperature",
            "Hot GPUs slow down by themselves, which looks like a slow model: see to the air.",
            [over_time(q.foreign_gauge(foreign.GPU_TEMPERATURE, _GPU, ("gpu",)), "GPU {{gpu}}")],
            look.CELSIUS,
            bounds=look.steps((None, "transparent"), (limits.gpu.temperature_c[1], look.BAD)),
            empty=_NO_GPU,
        ),
        panels.lines(
            "GPU power",
            "Flat at its limit while busy: it is throttled.",
            [over_time(q.foreign_gauge(foreign.GPU_POWER, _GPU, ("gpu",)), "GPU {{gpu}}")],
            look.WATTS,
            empty=_NO_GPU,
        ),
    ]
