"""Small programs in place of Prometheus, the Collector and the rest: they answer at the ports they are given.

What each does is written to one file, in order: `prometheus starts`, `prometheus ready`, `prometheus ends`. Variables
decide how it behaves: FAKE_SAYS (it says this and fails), FAKE_SLOW_S (not ready before), FAKE_STUBBORN (does not end
when asked to).
"""

import sys
from collections.abc import Mapping
from pathlib import Path

from ops.stack.plans import FOUND
from ops.stack.process import wait_until

NAMES = (*FOUND, "otelcol")
_PROGRAM = """\
#!{python} -SE
import http.server, os, signal, sys, time

path = os.path.abspath(sys.argv[0])
name = os.path.basename(path).replace("__main__.py", "service")
given = [word.rpartition(":")[2] for word in sys.argv if word.startswith("--web.listen-address=")]
given += [os.environ[key].rpartition(":")[2] for key in (
    "TEMPO_HTTP_PORT", "COLLECTOR_HEALTH_ENDPOINT", "GF_SERVER_HTTP_PORT", "OLLAMA_HOST", "RAG_SERVER__PORT",
) if key in os.environ]


def note(what):
    file = os.open("{events}", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, f"{{name}} {{what}}\\n".encode())
    os.close(file)


def end(*_):
    note("is asked to end" if "FAKE_STUBBORN" in os.environ else "ends")
    if "FAKE_STUBBORN" not in os.environ:
        os._exit(0)


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


note("starts")
if "FAKE_SAYS" in os.environ:
    sys.exit(os.environ["FAKE_SAYS"])
signal.signal(signal.SIGTERM, end)
time.sleep(float(os.environ.get("FAKE_SLOW_S", "0")))
server = http.server.HTTPServer(("127.0.0.1", int(given[0])), Page)
note("ready")
print("up", flush=True)
server.serve_forever()
"""
# Becomes the service beside it, as the real one does.
_LAUNCHER = """\
import os, sys

os.execv(sys.executable, [sys.executable, "-P", "-m", "service"])
"""


class FakePrograms:
    """Every program of a stack, in `folder`; `find` gives them, but for those named in `absent`."""

    def __init__(self, folder: Path, absent: tuple[str, ...] = ()) -> None:
        self.folder = folder / "bin"
        self._absent = absent
        self._events = folder / "events"
        text = _PROGRAM.format(python=sys.executable, events=self._events)
        (self.folder / "service").mkdir(parents=True)
        # Without it the real service, found later, would win.
        (self.folder / "service" / "__init__.py").touch()
        (self.folder / "service" / "__main__.py").write_text(text)
        launcher = self.folder / "ops" / "rollout" / "launch.py"
        launcher.parent.mkdir(parents=True)
        for package in (self.folder / "ops", launcher.parent):
            (package / "__init__.py").touch()
        launcher.write_text(_LAUNCHER)
        for name in NAMES:
            (self.folder / name).write_text(text)
            (self.folder / name).chmod(0o755)

    def find(self, name: str) -> Path | None:
        """As `ops.components.find.find`."""
        return None if name in self._absent else self.folder / name

    def extra(self, **behaviour: Mapping[str, str]) -> dict[str, dict[str, str]]:
        """What a stack is given for its parts, so that the service is a fake one too. `behaviour`: by part."""
        return {"service": {"PYTHONPATH": str(self.folder)}} | {
            name: {**({"PYTHONPATH": str(self.folder)} if name == "service" else {}), **variables}
            for name, variables in behaviour.items()
        }

    @property
    def events(self) -> list[str]:
        """What they did, in order."""
        return self._events.read_text().splitlines() if self._events.exists() else []

    def saw(self, event: str, times: int = 1, timeout_s: float = 20.0) -> None:
        """Wait until this has happened so often."""
        wait_until(lambda: self.events.count(event) >= times, timeout_s, event)
