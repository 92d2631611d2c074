"""What a rule is: a check of one file, with samples that show what it lets pass and what it finds."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from textwrap import dedent

from tests.architecture.source import Source

Check = Callable[[Source], Iterator[tuple[int, str]]]


@dataclass(frozen=True)
class Rule:
    """`check` yields a line number and what is wrong there. `good` samples must pass; every one of `bad` must not.

    `folders` are where the rule holds.
    """

    name: str
    check: Check
    good: tuple[Source, ...]
    bad: tuple[Source, ...]
    folders: tuple[str, ...] = ("service", "ops")

    def violations(self, source: Source) -> list[str]:
        return [f"{source.path}:{line}: {text}" for line, text in self.check(source)]


def sample(path: str, text: str) -> Source:
    """A made-up file at `path`."""
    return Source(path, dedent(text))
