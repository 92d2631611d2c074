"""Bounded concurrency per model: the port and its values."""

from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from service.errors import Overloaded


class RejectReason(StrEnum):
    """Why a request got no place."""

    QUEUE_FULL = "queue_full"
    QUEUE_TIMEOUT = "queue_timeout"


class Rejected(Overloaded):
    """No place for this request; `reason` says why, `retry_after_s` (whole seconds) when to come again."""

    def __init__(self, reason: RejectReason, detail: str, *, retry_after_s: float) -> None:
        super().__init__(detail, retry_after_s=retry_after_s)
        self.reason = reason


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
        """Enter to hold a slot. Raises `Rejected` at once when the queue is full, or after the queue deadline.
        Leaving, or being cancelled while waiting, frees the place at once."""
        ...

    def reserve(self, model: str) -> AbstractContextManager[None]:
        """Hold a claim to running or waiting, before any work is done for the request. Raises `Rejected` at once when
        all of them are given away. Whoever holds one still has to enter `admit`."""
        ...

    def load(self, model: str) -> Load:
        """Claims count as waiting until they run."""
        ...
