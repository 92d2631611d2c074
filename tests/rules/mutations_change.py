"""Every bound and guard of the rules about stages, hits and answers without a source, broken one at a time."""

from collections.abc import Iterable

from prometheus import change
from prometheus.normal import Followed
from tests.rules import change_cases as cases
from tests.rules.case import Case
from tests.rules.change_cases import HITS, LIMITS, NO_CONTEXT, STAGE
from tests.rules.mutation import Mutation

_STAGES, _HITS, _NONE = (followed(LIMITS) for followed in (change.stages, change.hits, change.no_context))


def _broken(name: str, rule: str, old: str, new: str, *noticing: Case) -> Mutation:
    return Mutation(name, "change.yml", old, new, noticing, rule)


def _common(
    alert: str, followed: Followed, *, fires: Case, uncertain: Case, few: Case, young: Case, wait: str
) -> Iterable[Mutation]:
    """What every comparison with the past has."""
    yield _broken(f"{alert}: z low", alert, ") > 4)", ") > 0.4)", uncertain)
    yield _broken(f"{alert}: z high", alert, ") > 4)", ") > 400)", fires)
    yield _broken(f"{alert}: few", alert, f"{followed.count} >= 20", f"{followed.count} >= 2", few)
    yield _broken(f"{alert}: many", alert, f"{followed.count} >= 20", f"{followed.count} >= 2000", fires)
    yield _broken(f"{alert}: history short", alert, ">= 576", ">= 57", young)
    yield _broken(f"{alert}: history long", alert, ">= 576", ">= 57600", fires)
    yield Mutation(f"{alert}: waits for nothing", "change.yml", wait, "0s", (fires,), alert, "for")
    yield Mutation(f"{alert}: waits too long", "change.yml", wait, "3h", (fires,), alert, "for")


def _stage() -> Iterable[Mutation]:
    yield from _common(
        STAGE, _STAGES, fires=cases.slow_stage, uncertain=cases.uncertain_stage, few=cases.few_stages,
        young=cases.young_stage, wait="15m",
    )  # fmt: skip
    yield _broken("stage: factor low", STAGE, " > 1.5 ", " > 1.05 ", cases.little_slower)
    yield _broken("stage: factor high", STAGE, " > 1.5 ", " > 15 ", cases.slow_stage)
    yield _broken("stage: milliseconds", STAGE, " > 0.1)", " > 0.001)", cases.fast_stage)
    yield _broken("stage: only seconds", STAGE, " > 0.1)", " > 100)", cases.slow_stage)
    yield _broken("stage: as certain in quiet hours", STAGE, "sqrt(clamp_min(", "sgn(clamp_min(", cases.quiet_stage)
    yield _broken("stage: more certain in busy hours", STAGE, ", 1)))", ", 0)))", cases.busy_stage)
    yield _broken("stage: loads stay in", _STAGES.name, 'phase="load"', 'phase="none"', cases.loading)
    yield _broken("stage: every phase taken out", _STAGES.name, 'phase="load"', 'phase!="none"', cases.slow_stage)
    yield _broken("stage: loads of another stage", _STAGES.name, '"generate"', '"retrieve"', cases.slow_and_loading)
    yield _broken("stage: failures count", _STAGES.name, 'outcome="ok"', 'outcome!="none"', cases.failed_stage)
    yield _broken("stage: where nothing is loaded", _STAGES.name, " or sum by", " and sum by", cases.slow_stage)
    yield _broken("stage: nothing by nothing", _STAGES.name, " > 0)", " >= 0)", cases.idle_stage)


def _shares() -> Iterable[Mutation]:
    yield from _common(
        HITS, _HITS, fires=cases.flushed, uncertain=cases.uncertain_hits, few=cases.few_lookups,
        young=cases.young_hits, wait="5m",
    )  # fmt: skip
    yield from _common(
        NO_CONTEXT, _NONE, fires=cases.unknown, uncertain=cases.uncertain_unknown, few=cases.few_unknown,
        young=cases.young_unknown, wait="5m",
    )  # fmt: skip
    for alert, fires, little, quiet in (
        (HITS, cases.flushed, cases.little_fewer, cases.quiet_hits),
        (NO_CONTEXT, cases.unknown, cases.little_more, cases.quiet_unknown),
    ):
        yield _broken(f"{alert}: points low", alert, " > 0.15)", " > 0.015)", little)
        yield _broken(f"{alert}: points high", alert, " > 0.15)", " > 1.5)", fires)
        yield _broken(f"{alert}: as certain in quiet hours", alert, "sqrt(clamp_min(", "sgn(clamp_min(", quiet)
    yield _broken("hits: more of them", HITS, f"(-({_HITS.name}", f"(({_HITS.name}", cases.flushed)
    yield _broken("hits: no error of the share", HITS, ">= on", ">= bool on", cases.lucky_hits)
    yield _broken("hits: never any", _HITS.name, " or 0 * ", " and 0 * ", cases.never_hit)
    yield _broken("hits: nothing by nothing", _HITS.name, " > 0)", " >= 0)", cases.no_lookups)
    for result in ("bypass", "coalesced"):
        yield _broken(f"hits: {result}", _HITS.name, result, "none", cases.bypassed)
    yield _broken("hits: another cache", _HITS.name, 'cache="answer"', 'cache!="none"', cases.bypassed)
    yield _broken("no context: rare is never", NO_CONTEXT, "0.05", "0.0005", cases.rare_unknown)
    yield _broken("no context: rare is usual", NO_CONTEXT, "0.05, 0.95", "0.5, 0.95", cases.first_unknown)
    yield _broken("no context: failures count", _NONE.name, 'outcome=~"ok|', 'outcome=~"error|ok|', cases.unknown)
    yield _broken("no context: hits count", _NONE.name, ',cache!="hit"', "", cases.unknown)
    yield _broken("no context: nothing by nothing", _NONE.name, " > 0)", " >= 0)", cases.idle_questions)


MUTATIONS: tuple[Mutation, ...] = (*_stage(), *_shares())
