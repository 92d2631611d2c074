"""A part of a stack without a process: a test ends it, and says whether its next start succeeds."""

from pathlib import Path
from types import SimpleNamespace


class FakePart:
    """As `ops.stack.part.Part` to a supervisor. It runs; `calls` says what was done to it."""

    def __init__(self, name: str = "prometheus", start_s: float = 30.0) -> None:
        self.name = name
        self.plan = SimpleNamespace(start_s=start_s)
        self.log = Path(f"{name}.log")
        self.running = True
        self.ready = True
        self.how_it_ended = ""
        self.refusal: OSError | None = None
        self.ends_at_once = False
        self.calls: list[str] = []

    def end(self, how: str = "with status 1") -> None:
        """It ends by itself."""
        self.running, self.how_it_ended = False, how

    def launch(self) -> None:
        self.calls.append("launch")
        if self.refusal is not None:
            raise self.refusal
        self.running = not self.ends_at_once

    def kill(self) -> None:
        self.calls.append("kill")
        self.running = False

    def tail(self, lines: int) -> str:
        return f"--- the last {lines} lines of {self.name} ---"
