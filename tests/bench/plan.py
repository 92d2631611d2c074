"""How much is measured, and where its files are."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Plan:
    """`quick` means fewer rounds of fewer requests: good enough to see that all works, not to compare. `litellm` is the
    LiteLLM proxy's program, where there is one."""

    folder: Path
    quick: bool = False
    litellm: Path | None = None

    def of(self, full: T, quick: T) -> T:
        """The one for this run."""
        return quick if self.quick else full

    def part(self, name: str) -> Path:
        """A folder of its own for one measurement."""
        folder = self.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def say(self, what: str) -> None:
        """Progress, for whoever waits."""
        sys.stderr.write(f"  {what}\n")
        sys.stderr.flush()
