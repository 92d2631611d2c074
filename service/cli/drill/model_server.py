"""What a drill does to Ollama over its own interface, and putting back what an interrupted drill has left there.

A model is taken away by a copy under another name, which costs no space, and the removal of its own. The copy's name
says what it is, so it is found again however the drill ended.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from service.cli.drill.json_api import JsonApi
from service.cli.failures import Failure

_MARK = "-emini-rag-drill"
_REMEDY = "Start it, or name its address with --ollama."
_UNLOAD_S = 20.0
_LOOK_S = 0.1


class ModelServer:
    """Ollama at `url`. `pause` waits so many seconds. Raises `Failure`."""

    def __init__(self, url: str, pause: Callable[[float], None]) -> None:
        self.api = JsonApi("Ollama", url, _REMEDY)
        self._pause = pause

    def digests(self) -> dict[str, str]:
        """Of every model by its full name."""
        return {one["name"]: one["digest"] for one in self.api.get("/api/tags")["models"]}

    def file_of(self, model: str) -> str:
        """Name of the file of weights, which the process that runs the model has in its command."""
        text = str(self.api.call("POST", "/api/show", json={"model": model}).get("modelfile", ""))
        lines = (line.partition(" ")[2].strip() for line in text.splitlines() if line.startswith("FROM "))
        return next(lines, "").rpartition("/")[2]

    def unload(self, model: str) -> None:
        """Out of memory, and wait until it is."""
        self.api.call("POST", "/api/generate", json={"model": model, "keep_alive": 0})
        for _ in range(int(_UNLOAD_S / _LOOK_S)):
            if full(model) not in {one["name"] for one in self.api.get("/api/ps")["models"]}:
                return
            self._pause(_LOOK_S)
        raise Failure(f"{model} is still in memory after {_UNLOAD_S:g} s", todo="Is somebody else asking it?")

    @contextmanager
    def without(self, model: str) -> Iterator[str]:
        """While the block runs, the model is not installed; gives its digest."""
        own, kept = full(model), full(model) + _MARK
        digest = self.digests()[own]
        try:
            self._copy(own, kept)
            if self.digests().get(kept) != digest:
                raise Failure(f"The copy of {model} is not the same; nothing was removed")
            self._delete(own)
            yield digest
        finally:
            self._put_back(kept)
            if self.digests().get(own) != digest:
                raise Failure(f"{own} has another digest than before", todo=f"Run `ollama pull {model}`.")

    def put_back_all(self) -> list[str]:
        """What interrupted drills have left: one line about each."""
        return [self._put_back(name) for name in sorted(self.digests()) if name.endswith(_MARK)]

    def _put_back(self, kept: str) -> str:
        own, digests = kept.removesuffix(_MARK), self.digests()
        if kept not in digests:
            return f"{own} is in its place"
        if digests.get(own, digests[kept]) != digests[kept]:
            return f"{own} was installed anew meanwhile; the copy {kept} may go: `ollama rm {kept}`"
        if own not in digests:
            self._copy(kept, own)
            if self.digests().get(own) != digests[kept]:
                raise Failure(f"{own} could not be put back", todo=f"Run `ollama cp {kept} {own}`.")
        self._delete(kept)
        return f"{own} was put back"

    def _copy(self, source: str, target: str) -> None:
        self.api.call("POST", "/api/copy", json={"source": source, "destination": target})

    def _delete(self, name: str) -> None:
        self.api.call("DELETE", "/api/delete", json={"model": name})


def full(model: str) -> str:
    """The name with its tag, as the server lists it."""
    return model if ":" in model else f"{model}:latest"
