"""What a drill works with: a development installation, seen from outside, and the questions that are asked of it."""

from collections.abc import Callable
from dataclasses import dataclass, field

from service.cli.client import ServiceClient
from service.cli.drill import ports
from service.cli.drill.alertmanager import Alertmanager
from service.cli.drill.parts import Parts
from service.cli.drill.prometheus import Prometheus
from service.cli.failures import USAGE, Failure

_UNLOADED_S, _LOOK_S = 12.0, 0.25
QUESTION = "What is a stop order of kind {number}?"


@dataclass
class Scene:
    """`parts` may be touched; `model` and `question`, with `{number}` in it, are what is asked. `pause` waits so many
    seconds."""

    service: ServiceClient
    prometheus: Prometheus
    alertmanager: Alertmanager
    parts: Parts
    pause: Callable[[float], None]
    model: str = ""
    question: str = QUESTION
    environment: str = field(default="", init=False)

    def enter(self) -> None:
        """See that it is a development installation. Raises `Failure`."""
        self.environment = str(self.service.get("/healthz").get("environment", ""))
        if self.environment != ports.DEVELOPMENT:
            todo = f"Name a development instance with --url, such as {ports.SERVICE}."
            told = f"a drill breaks things on purpose, and this is {self.environment or 'unknown'}"
            raise Failure(f"No drill is run against {self.service.url}", told, todo=todo, code=USAGE)

    def choose_model(self) -> None:
        """The smallest chat model that is installed, unless one is named. Raises `Failure`."""
        models = self.service.get("/monitoring/models")["models"]
        there = {one["name"]: one for one in models if one["role"] == "chat" and one["installed"]}
        if self.model and self.model not in there:
            known = ", ".join(there) or "none"
            raise Failure(f"{self.model} is not an installed chat model", f"installed: {known}", code=USAGE)
        if not there:
            raise Failure("No chat model is installed", todo="`emini-rag models pull` gets one.")
        self.model = self.model or min(there, key=lambda name: there[name]["size_bytes"] or 0)

    def ask(self, number: int, **fields: object) -> dict[str, object]:
        """One question to the model, past the cache unless `fields` say otherwise."""
        return self.service.post("/ask", self.body(number) | fields)

    def body(self, number: int) -> dict[str, object]:
        """Of such a question."""
        query = self.question.replace("{number}", str(number))
        return {"query": query, "model": self.model, "cache": {"no-cache": True, "no-store": True}}

    def await_unloaded(self) -> None:
        """Until the service has looked anew, and seen that the model is out of memory: a short load of a model that it
        thinks is there is not counted as one. A long one is counted anyway, so this ends in any case."""
        known = self.service.get("/monitoring/models")["polled_at"]
        for _ in range(int(_UNLOADED_S / _LOOK_S)):
            seen = self.service.get("/monitoring/models")
            if seen["polled_at"] != known and not any(
                one["resident"] for one in seen["models"] if one["name"] == self.model
            ):
                return
            self.pause(_LOOK_S)

    def try_question(self) -> None:
        """See that this question reaches this model. Raises `Failure`."""
        answer = self.ask(0)
        if answer.get("mode") == "generated" and answer.get("model") == self.model:
            return
        todo = "Name a question that the documents answer with --question, or another model with --model."
        what = f"{self.model} did not answer the question {self.question!r}"
        raise Failure(what, f"it was answered by {answer.get('model') or answer.get('mode')}", todo=todo)
