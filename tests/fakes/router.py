"""A router that decides what the test tells it to."""

from collections import deque

from service.errors import ServiceError
from service.routing.port import Route


class FakeRouter:
    """Implements `Router`: hands out the queued routes or errors, the last one for ever; `calls` logs the questions."""

    def __init__(self, *routes: Route | ServiceError) -> None:
        self.routes: deque[Route | ServiceError] = deque(routes)
        self.calls: list[tuple[str, str]] = []

    async def route(self, text: str, requested: str) -> Route:
        self.calls.append((text, requested))
        route = self.routes.popleft() if len(self.routes) > 1 else self.routes[0]
        if isinstance(route, ServiceError):
            raise route
        return route
