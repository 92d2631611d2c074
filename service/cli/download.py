"""Downloading a model: a bar where somebody watches, a plain line every few seconds where a log is kept.

A model comes in layers, one after another, whose sizes become known as their turn comes; the first is nearly all of it.
What an earlier attempt left behind counts as there, and not into the speed.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from service.cli.wording import plain, seconds, size
from service.clock import Clock
from service.routing.ollama import PullProgress

LINE_EVERY_S = 5.0
# What arrives before the first look at a fresh layer is less than this share of it.
_WORTH_TELLING = 0.05
Advance = Callable[[PullProgress], None]


class Layers:
    """How far all layers are together."""

    def __init__(self) -> None:
        self._layers: dict[str, tuple[int, int]] = {}
        self._kept_bytes = 0

    def note(self, step: PullProgress) -> bool:
        """Take in one step; whether it is the first that tells of bytes of its layer: those were there before."""
        known_bytes, _ = self._layers.get(step.layer, (0, 0))
        self._layers[step.layer] = (step.completed_bytes, step.total_bytes)
        first = not known_bytes and step.completed_bytes > 0
        self._kept_bytes += step.completed_bytes if first else 0
        return first

    @property
    def completed_bytes(self) -> int:
        return sum(completed for completed, _ in self._layers.values())

    @property
    def total_bytes(self) -> int:
        return sum(total for _, total in self._layers.values())

    @property
    def fetched_bytes(self) -> int:
        """Of the completed ones those of this attempt."""
        return self.completed_bytes - self._kept_bytes


@contextmanager
def shown(name: str, err: Console, clock: Clock) -> Iterator[Advance]:
    """Progress of `name` on `err`, which may be a terminal. The function it gives takes each step. Being cancelled, it
    tells that nothing is lost."""
    layers = Layers()
    try:
        with _bar(name, err, layers) if err.is_terminal else _lines(name, err, clock, layers) as advance:
            yield advance
    except asyncio.CancelledError:
        if layers.completed_bytes:
            kept = f"{size(layers.completed_bytes)} of {size(layers.total_bytes)}"
            err.print(f"{name}: stopped at {kept}; the next pull goes on from there", soft_wrap=True)
        raise


@contextmanager
def _bar(name: str, err: Console, layers: Layers) -> Iterator[Advance]:
    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(TextColumn("{task.description}"), *columns, console=err, transient=True) as bar:
        task = bar.add_task(name, total=None)

        def advance(step: PullProgress) -> None:
            if not step.layer:
                bar.update(task, description=f"{name}: {plain(step.status)}")
            elif layers.note(step):
                # Begun anew, or what was there already would count as very fast.
                bar.reset(task, description=name, total=layers.total_bytes, completed=layers.completed_bytes)
            else:
                bar.update(task, description=name, total=layers.total_bytes, completed=layers.completed_bytes)

        yield advance


@contextmanager
def _lines(name: str, err: Console, clock: Clock, layers: Layers) -> Iterator[Advance]:
    status = ""
    told_at, told_bytes = float("inf"), 0

    def tell(text: str) -> None:
        err.print(f"{name}: {text}", soft_wrap=True)

    def advance(step: PullProgress) -> None:
        nonlocal status, told_at, told_bytes
        if not step.layer:
            if step.status not in (status, "success"):
                tell(plain(step.status))
            status = step.status
            return
        if layers.note(step) and _WORTH_TELLING * step.total_bytes <= step.completed_bytes < step.total_bytes:
            tell(f"goes on from {size(step.completed_bytes)} of {size(step.total_bytes)}")
        now = clock.monotonic()
        told_at = min(told_at, now)
        if now - told_at >= LINE_EVERY_S:
            tell(_far(layers, (layers.fetched_bytes - told_bytes) / (now - told_at)))
            told_at, told_bytes = now, layers.fetched_bytes

    yield advance


def _far(layers: Layers, bytes_per_s: float) -> str:
    """How far, how fast, and how long at this speed."""
    completed, total = layers.completed_bytes, layers.total_bytes
    left = f", {seconds((total - completed) / bytes_per_s)} left" if bytes_per_s > 0 else ""
    share = f"{100 * completed / total:.0f} %, " if total else ""
    return f"{share}{size(completed)} of {size(total)}, {size(bytes_per_s)}/s{left}"
