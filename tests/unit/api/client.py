"""A client that speaks to an application in this process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from service.app import create_app
from service.services import HttpLimits
from tests.fakes.services import FakeGate, FakeServices


@asynccontextmanager
async def client_of(fakes: FakeServices) -> AsyncIterator[httpx.AsyncClient]:
    """Unexpected errors come back as replies, as from a real server."""
    transport = httpx.ASGITransport(create_app(fakes.build()), raise_app_exceptions=True)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        yield client


def with_keys(limits: HttpLimits = HttpLimits()) -> tuple[FakeServices, FakeGate]:
    """A service that asks for keys."""
    gate = FakeGate()
    return FakeServices(gate, limits), gate
