"""A real Ollama on a free loopback port, with tiny models under the names that the service asks for."""

import hashlib
import json
import os
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ops.stack.process import DIRECT, Component, ComponentFailed, Process, answers, free_port
from tests.components import tiny_gguf

CHAT_MODELS = ("llama3.2:3b", "llama3.1:latest", "qwen2.5-coder:14b", "gpt-oss:20b")
EMBEDDING_MODEL = "nomic-embed-text"
START_S = 30.0
REQUEST_S = 30.0


class OllamaClient:
    """What a test itself wants of an Ollama at `url`: the service has its own client. `why` is added to what
    `ComponentFailed` says."""

    def __init__(self, url: str, why: Callable[[], str] = str) -> None:
        self.url = url
        self._why = why

    def create(self, name: str, model: bytes, parameters: Mapping[str, object] | None = None) -> None:
        """Import a GGUF file as `name`. `parameters` are Ollama's defaults for it, such as `stop` or `num_predict`."""
        digest = "sha256:" + hashlib.sha256(model).hexdigest()
        self._send("POST", f"/api/blobs/{digest}", model)
        body = {"model": name, "files": {"model.gguf": digest}, "parameters": dict(parameters or {}), "stream": False}
        reply = self.request("POST", "/api/create", body)
        if reply.get("status") != "success":
            raise ComponentFailed(f"Ollama did not create {name}: {reply}\n{self._why()}")

    def request(self, method: str, path: str, body: object | None = None) -> dict[str, Any]:
        """One JSON call, for a test's own set-up: the service has its own client."""
        answer = self._send(method, path, None if body is None else json.dumps(body).encode())
        return dict(json.loads(answer)) if answer else {}

    def unload(self, name: str) -> None:
        """Take a chat model out of memory, so that the next call is a cold one."""
        self.request("POST", "/api/generate", {"model": name, "keep_alive": 0})

    def import_tiny(self, names: Iterable[str], embedding_model: str, folder: Path) -> None:
        """Make and import a tiny model under each name that is not there yet. Files are written to `folder`."""
        there = {model["name"] for model in self.request("GET", "/api/tags")["models"]}
        for number, name in enumerate(names):
            if _tagged(name) in there:
                continue
            path = folder / f"tiny-{number}.gguf"
            if name == embedding_model:
                tiny_gguf.write_embedding_model(path)
            else:
                tiny_gguf.write_chat_model(path, seed=7 + number)
            self.create(name, path.read_bytes())

    def _send(self, method: str, path: str, body: bytes | None) -> bytes:
        request = urllib.request.Request(self.url + path, data=body, method=method)
        try:
            with DIRECT.open(request, timeout=REQUEST_S) as reply:
                return bytes(reply.read())
        except OSError as error:
            detail = error.read().decode(errors="replace") if isinstance(error, urllib.error.HTTPError) else ""
            raise ComponentFailed(f"{method} {path}: {error} {detail}\n{self._why()}") from error


class RunningOllama(OllamaClient, Component):
    """Real `ollama serve` with its models, home and log in `folder`; nothing of the user's own Ollama is touched.

    Each model has weights of its own, so that each is loaded by itself. `environment` adds to or replaces what the
    server is started with, such as OLLAMA_NUM_PARALLEL. After `kill` or `stop`, `start` brings it back at the same
    address with the same models. Raises `ComponentFailed` with the end of the log.
    """

    def __init__(
        self,
        program: Path,
        folder: Path,
        chat_models: Sequence[str] = CHAT_MODELS,
        embedding_model: str = EMBEDDING_MODEL,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.chat_models = tuple(chat_models)
        self.embedding_model = embedding_model
        self.port = free_port()
        self._folder = folder
        home = folder / "home"
        home.mkdir(parents=True, exist_ok=True)
        started_with = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(home),
            "OLLAMA_HOST": f"127.0.0.1:{self.port}",
            "OLLAMA_MODELS": str(folder / "models"),
            "OLLAMA_NUM_PARALLEL": "1",
            "OLLAMA_MAX_LOADED_MODELS": "6",
            **(environment or {}),
        }
        self._process = Process([program, "serve"], started_with, folder, folder / "ollama.log")
        super().__init__(f"http://127.0.0.1:{self.port}", self._process.tail)

    def start(self) -> None:
        """Start the server; at the first start also make and import the models."""
        self._process.start(lambda: answers(f"{self.url}/api/version"), START_S)
        try:
            wanted = (*self.chat_models, *([self.embedding_model] if self.embedding_model else ()))
            self.import_tiny(wanted, self.embedding_model, self._folder)
        except BaseException:
            self.kill()
            raise


def _tagged(name: str) -> str:
    return name if ":" in name else f"{name}:latest"
