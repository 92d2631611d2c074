"""Every bound and guard of the burn rates, broken one at a time."""

from collections.abc import Iterable

from tests.rules.mutation import Mutation
from tests.rules.objectives_cases import FILE, KINDS, PAGES, TICKETS

_CASES = {**PAGES, **KINDS, **{f"days: {name}": case for name, case in TICKETS.items()}}


def _broken(name: str, old: str, new: str, *cases: str) -> Mutation:
    return Mutation(name, FILE, old, new, tuple(_CASES[case] for case in cases))


def _pairs() -> Iterable[Mutation]:
    """Each pair: a share that is too low or too high, a window that is not asked, answers that are not counted."""
    for long, short, share, low, high, only_short, only_long, few in (
        ("1h", "5m", "0.72", "outage", "outage", "short", "recovery", "few"),
        ("6h", "30m", "0.3", "half", "half", "passing", "half", "few, six hours"),
        ("1d", "2h", "0.15", "days: quarter", "days: quarter", "days: passing", "days: quarter", "days: few, a day"),
        ("3d", "6h", "0.05", "days: tenth", "days: tenth", "days: passing", "days: tenth", "days: few, three days"),
    ):
        pair = f"bad_{long} > {share} and"
        yield _broken(f"{long}: factor low", pair, f"bad_{long} > {float(share) / 10:g} and", low)
        yield _broken(f"{long}: factor high", pair, f"bad_{long} > {float(share) * 3:g} and", high)
        yield _broken(f"{long}: only the short window", pair, f"bad_{long} >= 0 and", only_short)
        asked = f"(environment_tier:rag_ask_duration_seconds:bad_{short} > {share})"
        yield _broken(f"{long}: only the long window", asked, asked.replace(f"> {share}", ">= 0"), only_long)
        yield _broken(f"{long}: short factor high", asked, asked.replace(share, f"{float(share) * 3:g}"), high)
        number = f"count_{long} >= 20"
        yield _broken(f"{long}: few answers", number, f"count_{long} >= 2", few)
        yield _broken(f"{long}: many answers", number, f"count_{long} >= 200000", high)


def _patience() -> Iterable[Mutation]:
    for span, shorter, longer, case in (
        ("2m", "0m", "20m", "patience"),
        ("15m", "2m", "100m", "patience"),
        ("1h", "0h", "10h", "days: quarter"),
        ("3h", "0h", "30h", "days: tenth"),
    ):
        for name, new in (("impatient", shorter), ("too patient", longer)):
            yield Mutation(f"{span}: {name}", FILE, span, new, (_CASES[case],), part="for")


def _kinds() -> Iterable[Mutation]:
    both, good = 'outcome!~"error|rejected"', "or sum by (deployment_environment_name, tier)"
    yield _broken("failures are good", both, 'outcome!~"rejected"', "failed")
    yield _broken("refusals are good", both, 'outcome!~"error"', "shed")
    yield _broken("only ok is good", both, 'outcome="ok"', "harmless")
    yield _broken("0/0 is recorded", " > 0)", ")", "idle")
    yield _broken("never a success, never an alert", "or 0 * sum", "or 0 < 0 * sum", "never good")
    yield _broken("a tier is forgotten", f"{good} (rate(rag_ask_duration_seconds_bucket{{tier=\"medium\"",
                  f"{good} (rate(rag_ask_duration_seconds_bucket{{tier=\"none\"", "within")  # fmt: skip
    yield _broken("no tier is a tier", "simple|medium|complex|research", ".+", "unknown")
    yield _broken("tiers are one", "sum by (deployment_environment_name, tier)",
                  "sum by (deployment_environment_name)", "apart")  # fmt: skip
    for tier, bound, below, above in (
        ("simple", "5.12", "2.56", "10.24"),
        ("medium", "10.24", "5.12", "20.48"),
        ("complex", "29.0", "20.48", "40.96"),
        ("research", "58.0", "40.96", "81.92"),
    ):
        chosen = f'tier="{tier}",le="{bound}"'
        yield _broken(f"{tier}: bound low", chosen, chosen.replace(bound, below), "within")
        yield _broken(f"{tier}: bound high", chosen, chosen.replace(bound, above), "beyond")


MUTATIONS = (*_pairs(), *_patience(), *_kinds())
