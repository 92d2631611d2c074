"""The parts of the service's installation that a drill may touch.

Which Ollama, Collector and Chroma are the service's is read from the environment that its process was started with, so
that a drill never touches another installation's. A process may be touched only when it listens on such an address of
this machine, belongs to this user, is the program that it should be, and its port is none of production's.
"""

from collections.abc import Callable
from urllib.parse import SplitResult, urlsplit

from service.cli.drill import ports
from service.cli.drill.model_server import ModelServer
from service.cli.drill.processes import Machine, Process
from service.cli.failures import USAGE, Failure

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_SERVICE = ("python", "emini-rag")
_NATIVE = "Drills that stop processes need the native stack: `make stack STACK='--environment development'`."
_OLLAMA, _CHROMA = "RAG_OLLAMA__URL", "RAG_CHROMA__URL"
_TRACES, _OTLP = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"
_OLLAMA_DEFAULT = f"http://127.0.0.1:{ports.PRODUCTION_OLLAMA}"
_SCRIPTED = "scripted:"


class Parts:
    """Of the service at `service_url`. `ollama` replaces the address that is found; `shared_ollama` allows the one that
    production uses. `pause` waits so many seconds. Everything raises `Failure` when it is not to be touched."""

    def __init__(
        self,
        service_url: str,
        machine: Machine,
        pause: Callable[[float], None],
        *,
        ollama: str = "",
        shared_ollama: bool = False,
    ) -> None:
        self.machine = machine
        self.service_url = service_url
        self.ollama = ollama
        self.shared_ollama = shared_ollama
        self._pause = pause

    def service_process(self) -> Process:
        return self._process("the service", self.service_url, _SERVICE)

    def ollama_process(self) -> Process:
        return self._process("Ollama", self.ollama_url(), ("ollama",))

    def collector_process(self) -> Process:
        told = self._variables(_TRACES, _OTLP)
        url = told.get(_TRACES) or told.get(_OTLP)
        if not url:
            raise Failure("The service sends its traces nowhere", todo="Give it a Collector: see docs/install.md.")
        return self._process("the Collector", url, ("otelcol",))

    def chroma_process(self) -> Process:
        url = self._variables(_CHROMA).get(_CHROMA)
        if not url:
            why = "it keeps its vectors in its own process, where they cannot be away"
            raise Failure("This service uses no Chroma server", why, todo="Set RAG_CHROMA__URL to try this.")
        return self._process("Chroma", url, ("chroma", "python"))

    def runner_of(self, file: str) -> Process | None:
        """The process that runs the model with this file of weights; None while it is not loaded."""
        server = self.ollama_process()
        return next((one for one in self.machine.children(server) if any(w.endswith(file) for w in one.words)), None)

    def models(self) -> ModelServer:
        """The service's model server, when it may be touched. Raises `Failure`."""
        return ModelServer(self.ollama_url(), self._pause)

    def ollama_url(self) -> str:
        """Raises `Failure` for production's, unless it was said that it is shared."""
        url = self.ollama or self._service_ollama()
        if url.startswith(_SCRIPTED):
            raise Failure("This service asks no Ollama", "its answers are made by rule", todo="Unset RAG_OLLAMA__URL.")
        if _split(url).port == ports.PRODUCTION_OLLAMA and not self.shared_ollama:
            why = f"{url} is production's, and what the drill does to it production would feel"
            todo = f"Give development its own at {ports.OLLAMA}, or say --shared-ollama."
            raise Failure("This drill would touch Ollama", why, todo=todo, code=USAGE)
        return url

    def _service_ollama(self) -> str:
        """Where its process cannot be seen, the address of development in Compose."""
        holder = self.machine.listening(_split(self.service_url).port or 0)
        if holder is None or not holder.name.startswith(_SERVICE):
            return ports.OLLAMA
        return self._variables(_OLLAMA).get(_OLLAMA) or _OLLAMA_DEFAULT

    def _variables(self, *names: str) -> dict[str, str]:
        return dict(self.machine.variables(self.service_process(), names))

    def _process(self, what: str, url: str, programs: tuple[str, ...]) -> Process:
        where = _split(url)
        port = where.port or 0
        if where.hostname not in _LOOPBACK:
            raise Failure(f"{what} at {url} is on another machine", "only processes of this one are touched")
        if port in ports.PRODUCTION and not (self.shared_ollama and port == ports.PRODUCTION_OLLAMA):
            raise Failure(f"Port {port} is production's", f"{what} there is not touched", code=USAGE)
        found = self.machine.listening(port)
        if found is None:
            why = f"no process that this user can see listens on port {port}: it is another user's, or in a container"
            raise Failure(f"The process of {what} was not found", why, todo=_NATIVE)
        if not found.name.startswith(programs):
            raise Failure(f"{found} listens on port {port}, and is not {what}", "is it a container?", todo=_NATIVE)
        if found.owner != self.machine.user:
            raise Failure(f"{found} belongs to another user", todo="Run the drill as that user.")
        return found


def _split(url: str) -> SplitResult:
    """Raises `Failure`."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise Failure(f"{url} is no address", "it must look like http://127.0.0.1:11435", code=USAGE) from error
    return parts
