"""From the wanted model to one that can answer now. Pure: states in, a choice with its reasons out.

The order of preference is fixed first (the wanted model, then smaller tiers from near to far, then larger ones), and
then walked. A model is usable when it is installed and its breaker is not open. The first usable one answers, unless
its predicted wait breaks the latency budget or its queue is full: then the first resident one within the budget does,
and when there is none either, the first stays, since a slow answer beats a smaller one that is no quicker.

Predicted wait = load time if cold + requests ahead / slots x usual service time, in seconds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from service.admission.port import Load
from service.generation.port import BreakerState
from service.routing.port import ModelState, RouteReason, Tier


@dataclass(frozen=True, slots=True)
class Preference:
    """A model in its place of the order, and what taking it would be called."""

    model: str
    reason: RouteReason


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands between a model and an answer. `full`: the queue would turn a request away."""

    installed: bool
    failing: bool = False
    resident: bool = False
    wait_s: float = 0.0
    full: bool = False

    @property
    def usable(self) -> bool:
        return self.installed and not self.failing


@dataclass(frozen=True, slots=True)
class Choice:
    """The model to ask (None: nobody can answer), why, whom to try next, and whom to load meanwhile."""

    model: str | None
    reason: RouteReason
    explanation: tuple[str, ...] = ()
    fallbacks: tuple[str, ...] = ()
    warm: str | None = None


def preferences(
    wanted: str, tier: Tier, models: Mapping[Tier, str], first: RouteReason = RouteReason.POLICY
) -> tuple[Preference, ...]:
    """`wanted`, then the tiers below `tier` from near to far, then those above; each model once."""
    tiers = list(Tier)
    place = tiers.index(tier)
    smaller = [Preference(models[below], RouteReason.STEPPED_DOWN) for below in reversed(tiers[:place])]
    larger = [Preference(models[above], RouteReason.STEPPED_UP) for above in tiers[place + 1 :]]
    same = [Preference(models[tier], RouteReason.STEPPED_DOWN)]  # differs from `wanted` if that was asked for by name
    unique: dict[str, Preference] = {}
    for preference in (Preference(wanted, first), *same, *smaller, *larger):
        unique.setdefault(preference.model, preference)
    return tuple(unique.values())


def standing(state: ModelState | None, breaker: BreakerState, load: Load, load_s: float) -> Standing:
    """Sum up one model; `load_s` is what loading it would take, `state` None when the directory never saw it."""
    if state is None or not state.installed:
        return Standing(installed=False)
    busy = load.in_flight + load.waiting
    slots = max(1, load.slots)
    ahead = max(0, busy - slots + 1)
    return Standing(
        installed=True,
        failing=breaker is BreakerState.OPEN,
        resident=state.resident,
        wait_s=(0.0 if state.resident else load_s) + ahead / slots * load.usual_service_s,
        full=busy >= slots + load.max_waiting,
    )


def choose(order: Sequence[Preference], standings: Mapping[str, Standing], budget_s: float) -> Choice:
    """Walk `order` (not empty; a standing for each) as the module's text says."""
    usable = [preference for preference in order if standings[preference.model].usable]
    if not usable:
        return Choice(None, RouteReason.UNAVAILABLE, (_nobody(order, standings),))
    first = usable[0]
    taken, obstacle = _within_budget(usable, standings, budget_s)
    explanation = [
        f"{_why_unusable(skipped.model, standings[skipped.model])}: took {first.model}"
        for skipped in order[: order.index(first)]
    ]
    if obstacle:
        explanation.append(obstacle)
    return Choice(
        model=taken.model,
        reason=taken.reason,
        explanation=tuple(explanation),
        fallbacks=tuple(preference.model for preference in usable if preference is not taken),
        warm=first.model if taken is not first and not standings[first.model].resident else None,
    )


def honour(order: Sequence[Preference], standings: Mapping[str, Standing]) -> Choice:
    """A model asked for by name answers however cold or busy it is; only an open breaker sends its work elsewhere."""
    return (
        choose(order, standings, budget_s=float("inf"))
        if standings[order[0].model].failing
        else Choice(
            model=order[0].model,
            reason=order[0].reason,
            fallbacks=tuple(other.model for other in order[1:] if standings[other.model].usable),
        )
    )


def _within_budget(
    usable: Sequence[Preference], standings: Mapping[str, Standing], budget_s: float
) -> tuple[Preference, str]:
    """The model to take, and in words what stood against the first one; empty when nothing did."""
    first = usable[0]
    now = standings[first.model]
    if not now.full and now.wait_s <= budget_s:
        return first, ""
    obstacle = "its queue is full" if now.full else f"about {now.wait_s:.0f} s of wait, {budget_s:g} s allowed"
    cold = "" if now.resident else "not loaded, "
    for other in usable[1:]:
        there = standings[other.model]
        if there.resident and not there.full and there.wait_s <= budget_s:
            return other, f"{first.model}: {cold}{obstacle}: took {other.model}"
    return first, f"{first.model}: {cold}{obstacle}: kept, no loaded model is quicker"


def _why_unusable(model: str, now: Standing) -> str:
    return f"{model} keeps failing" if now.installed else f"{model} is not installed"


def _nobody(order: Sequence[Preference], standings: Mapping[str, Standing]) -> str:
    if any(standings[preference.model].installed for preference in order):
        return "every installed model keeps failing: answering by quotation until one recovers"
    return f"no configured model is installed: run `emini-rag models pull {order[0].model}`"
