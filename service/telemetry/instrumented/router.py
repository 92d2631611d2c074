"""`route`: what was asked for, what was chosen, and why."""

from dataclasses import fields

from service.routing.port import AUTO, Features, Route, Router
from service.telemetry.catalogue import Attribute, SpanName
from service.telemetry.stage import Attributes, Stages
from service.telemetry.vocabulary import NO_MODEL, OTHER_MODEL

_FEATURES = tuple((field.name, Attribute.FEATURE.format(field.name)) for field in fields(Features))


class InstrumentedRouter:
    """Implements `Router`."""

    def __init__(self, inner: Router, stages: Stages) -> None:
        self._inner = inner
        self._stages = stages

    async def route(self, text: str, requested: str) -> Route:
        with self._stages.start(SpanName.ROUTE) as span:
            route = await self._inner.route(text, requested)
            span.note(_facts, route)
        return route


def _facts(route: Route) -> Attributes:
    known = route.requested in {AUTO, route.wanted, route.model}
    # Where the router ignores names, a client can write anything there. Words of the question stand in parentheses.
    told = tuple(line.partition(" (")[0] for line in route.explanation if known or route.requested not in line)
    facts: dict[str, str | int | bool | tuple[str, ...]] = {
        key: getattr(route.features, name) for name, key in _FEATURES
    }
    facts |= {
        Attribute.ROUTE_REQUESTED: route.requested if known else OTHER_MODEL,
        Attribute.ROUTE_CHOSEN: route.model or NO_MODEL,
        Attribute.ROUTE_TIER: route.tier.value,
        Attribute.ROUTE_REASON: route.reason.value,
        Attribute.ROUTE_REASONS: told,
    }
    if route.fallbacks:
        facts[Attribute.ROUTE_FALLBACKS] = route.fallbacks
    return facts
