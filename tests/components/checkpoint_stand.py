"""A service with vectors, and the checkpoint command beside it, each in a process of its own."""

import json
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ops.stack.process import Process, answers, free_port, wait_until
from tests.components.service import ROOT, RunningService

_COMMAND_S = 600.0


class CheckpointStand:
    """`service` runs with an embedder that answers at once; `command` runs `emini-rag checkpoint` against it. Both are
    started with `settings` too."""

    def __init__(self, folder: Path, documents: Path, **settings: str) -> None:
        self.folder = folder
        port = free_port()
        environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)}
        program = [sys.executable, "-m", "tests.bench.model_server", str(port)]
        self._models = Process(program, environment, ROOT, folder / "models.log")
        self.service = RunningService(
            folder / "service",
            {
                "ENVIRONMENT": "development",
                "RAG_OLLAMA__URL": f"http://127.0.0.1:{port}",
                "RAG_DOCUMENTS_DIR": str(documents),
                **settings,
            },
        )
        self._port = port
        self.archive = folder / "checkpoints"

    def __enter__(self) -> "CheckpointStand":
        self._models.start(lambda: answers(f"http://127.0.0.1:{self._port}/api/version"), 30)
        self.service.start()
        wait_until(lambda: self._embedder() is not None, 30, "the embedder is known")
        return self

    def __exit__(self, *error: object) -> None:
        self.service.close()
        self.service.stop()
        self._models.stop()

    def command(self, *words: str, data: Path | None = None) -> "subprocess.CompletedProcess[str]":
        """Run to its end, whatever that is. Nothing is tagged, and no Prometheus is looked for."""
        return subprocess.run(
            self._command(words, data),
            cwd=self.folder,
            env=self.service.environment,
            capture_output=True,
            text=True,
            timeout=_COMMAND_S,
            check=False,
        )

    def told(self, *words: str, data: Path | None = None) -> dict[str, Any]:
        """The same with `--json`; fails when the command does."""
        ended = self.command(*words, "--json", data=data)
        assert ended.returncode == 0, ended.stderr
        return dict(json.loads(ended.stdout))

    def begun(self, *words: str, data: Path | None = None) -> "subprocess.Popen[bytes]":
        """Only started, in a group of its own, to be killed."""
        return subprocess.Popen(
            self._command(words, data),
            cwd=self.folder,
            env=self.service.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    @contextmanager
    def handed_over(self) -> Iterator[tuple[str, ...]]:
        """Options by which the command stops and starts the service itself."""
        pid = self.folder / "service.pid"
        pid.write_text(str(self.service.pid))
        log, python = shlex.quote(str(self.service.log)), shlex.quote(sys.executable)
        start = f"{python} -m service >>{log} 2>&1 </dev/null & echo $! > {pid}"
        stop = f"kill $(cat {pid}); while kill -0 $(cat {pid}) 2>/dev/null; do sleep 0.05; done"
        self.service.stop()
        subprocess.run(["sh", "-c", start], cwd=self.folder, env=self.service.environment, check=True, timeout=30)
        wait_until(lambda: answers(f"{self.service.url}/readyz"), 60, "the service is ready")
        try:
            yield ("--stop", f"sh -c {shlex.quote(stop)}", "--start", f"sh -c {shlex.quote(start)}")
        finally:
            with suppress(subprocess.TimeoutExpired):
                subprocess.run(["sh", "-c", stop], check=False, timeout=30, capture_output=True)

    def document_ids(self) -> set[str]:
        return {str(one["id"]) for one in self.service.client.get("/documents").json()["documents"]}

    def _embedder(self) -> object:
        with suppress(Exception):
            return self.service.client.get("/documents").json()["embedder"]
        return None

    def _command(self, words: tuple[str, ...], data: Path | None) -> list[str]:
        verb, *others = words
        options = ["--folder", str(self.archive)]
        if verb == "create":
            options.append("--no-tag")
        if verb in {"create", "restore"}:
            options += ["--prometheus", "http://127.0.0.1:9"]
        if data is not None:
            options += ["--data", str(data)]
        return [sys.executable, "-m", "service.cli.main", "checkpoint", verb, *others, *options]
