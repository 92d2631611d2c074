"""The router: a policy says what a question needs, availability says who can give it now.

Everything here is memory: the directory's last snapshot, the breakers, the limiter's counts. No call leaves the
process, so a decision costs microseconds and cannot fail for a network's sake. The only error is `UnknownModel`.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache

from service.admission.port import Limiter
from service.errors import UnknownModel
from service.generation.port import BreakerState, Health
from service.routing.availability import Choice, Preference, Standing, choose, honour, preferences, standing
from service.routing.loads import LoadTimes
from service.routing.policy import Decision, Policy
from service.routing.port import AUTO, ModelDirectory, ModelSnapshot, ModelState, Route, RouteReason, Tier

SERVER_BREAKER = "ollama"
_SHOWN_CHARS = 64
_DECISIONS_KEPT = 512


class AvailabilityRouter:
    """Implements `Router`.

    `models` has one model for every tier, `allowed` every model that a request may name. With `always_auto` the name
    in a request is ignored, whatever it is. `latency_budget_s` is the longest predicted wait before the first token
    for which a loaded model is not preferred. `loads` may be shared with whoever sees real load times.
    """

    def __init__(
        self,
        policy: Policy,
        models: Mapping[Tier, str],
        allowed: Sequence[str],
        always_auto: bool,
        latency_budget_s: float,
        directory: ModelDirectory,
        health: Health,
        limiter: Limiter,
        loads: LoadTimes | None = None,
    ) -> None:
        missing = [tier.value for tier in Tier if tier not in models]
        if missing:
            raise ValueError(f"no model for tier {', '.join(missing)}: every tier needs one")
        # A decision depends on the text alone, and questions that are asked again are just those the cache answers.
        self._decide = lru_cache(maxsize=_DECISIONS_KEPT)(policy.decide)
        self._models = dict(models)
        self._allowed = tuple(allowed)
        self._by_full_name = {full_name(name): name for name in allowed}
        self._always_auto = always_auto
        self._budget_s = latency_budget_s
        self._directory = directory
        self._health = health
        self._limiter = limiter
        self._loads = loads or LoadTimes()

    async def route(self, text: str, requested: str | None) -> Route:
        """See `Router`. `None` and the empty name mean "auto" too."""
        name = (requested or "").strip()
        auto = not name or name.casefold() == AUTO
        decision = self._decide(text)
        if auto or self._always_auto:
            notes = () if auto else (f"the service always chooses: ignored the requested {_shown(name)}",)
            return self._automatic(decision, AUTO if auto else _shown(name), notes)
        return self._named(decision, self._permitted(name))

    def _automatic(self, decision: Decision, requested: str, notes: tuple[str, ...]) -> Route:
        wanted = self._models[decision.tier]
        snapshot = self._directory.snapshot()
        obstacle = self._server_obstacle(snapshot)
        if obstacle:
            choice = Choice(None, RouteReason.UNAVAILABLE, (obstacle,))
        else:
            order = preferences(wanted, decision.tier, self._models)
            choice = choose(order, self._standings(order, snapshot), self._budget_s)
        return _route(decision, requested, wanted, notes, choice)

    def _named(self, decision: Decision, wanted: str) -> Route:
        snapshot = self._directory.snapshot()
        obstacle = self._server_obstacle(snapshot)
        if obstacle:
            choice = Choice(None, RouteReason.UNAVAILABLE, (obstacle,))
        else:
            place = next((tier for tier, model in self._models.items() if model == wanted), decision.tier)
            order = preferences(wanted, place, self._models, RouteReason.REQUESTED)
            standings = self._standings(order, snapshot)
            if not standings[wanted].installed:
                raise UnknownModel(
                    f"The model {wanted} is allowed but not installed. Run `emini-rag models pull {wanted}`, "
                    f"or ask for `{AUTO}`."
                )
            choice = honour(order, standings)
        return _route(decision, wanted, wanted, (f"{wanted} was asked for",), choice)

    def _permitted(self, name: str) -> str:
        """The allow-list's own spelling of `name`; a missing tag means `latest`, as for Ollama."""
        permitted = self._by_full_name.get(full_name(name))
        if permitted is None:
            raise UnknownModel(
                f"The model {_shown(name)} is not one this service offers. "
                f"Use one of: {', '.join((AUTO, *self._allowed))}."
            )
        return permitted

    def _server_obstacle(self, snapshot: ModelSnapshot) -> str:
        """Why no model at all can be asked, in words; empty when one can."""
        if not snapshot.polled_at:
            return "Ollama has not been seen yet: answering by quotation"
        if not snapshot.reachable:
            return "Ollama cannot be reached: answering by quotation"
        if self._health.states().get(SERVER_BREAKER) is BreakerState.OPEN:
            return "Ollama keeps failing: answering by quotation until it recovers"
        return ""

    def _standings(self, order: Sequence[Preference], snapshot: ModelSnapshot) -> dict[str, Standing]:
        return {preference.model: self._standing(preference.model, snapshot) for preference in order}

    def _standing(self, model: str, snapshot: ModelSnapshot) -> Standing:
        state = _seen(snapshot, model)
        load_s = self._loads.estimate(model, state.size_bytes if state else 0)
        return standing(state, self._health.state(model), self._limiter.load(model), load_s)


def full_name(name: str) -> str:
    """Ollama's implicit tag made explicit: a name without one means `latest`."""
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"


def _seen(snapshot: ModelSnapshot, model: str) -> ModelState | None:
    exact = snapshot.models.get(model)
    return exact or snapshot.models.get(full_name(model)) or snapshot.models.get(model.removesuffix(":latest"))


def _shown(name: str) -> str:
    """A name from outside, safe to print and to keep: short, and nothing that moves a cursor."""
    printable = "".join(character if character.isprintable() else "?" for character in name[:_SHOWN_CHARS])
    return printable if len(name) <= _SHOWN_CHARS else f"{printable}..."


def _route(decision: Decision, requested: str, wanted: str, notes: tuple[str, ...], choice: Choice) -> Route:
    return Route(
        requested=requested,
        tier=decision.tier,
        wanted=wanted,
        model=choice.model,
        reason=choice.reason,
        explanation=(*notes, *decision.reasons, *choice.explanation),
        features=decision.features,
        fallbacks=choice.fallbacks,
        warm=choice.warm,
    )
