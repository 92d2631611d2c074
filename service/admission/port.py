"""Bounded concurrency per model: the port and its values."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Admission:
    """A granted place. `ahead` is how many were running or waiting on arrival; `waited_s` how long it took."""

    waited_s: float
    ahead: int


@dataclass(frozen=True, slots=True)
class Load:
    """Present use of one model's places, and the usual service time (EWMA, seconds; 0 before the first)."""

    in_flight: int
    waiting: int
    slots: int
    max_waiting: int
    usual_service_s: float


class Limiter(Protocol):
    """Admits at most `slots` running and `waiting` queued requests per model."""

    def admit(self, model: str) -> AbstractAsyncContextManager[Admission]:
        """Enter to hold a slot. Raises `Overloaded` at once when the queue is full, or after the queue deadline.
        Leaving, or being cancelled while waiting, frees the place at once."""
        ...

    def load(self, model: str) -> Load: ...
