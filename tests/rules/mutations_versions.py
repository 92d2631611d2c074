"""Every bound and guard of the rules that compare versions and environments, broken one at a time."""

from collections.abc import Iterable

from prometheus import versions
from tests.rules import version_cases as cases
from tests.rules.case import Case
from tests.rules.mutation import Mutation
from tests.rules.version_cases import BESIDE, LIMITS, VERSION

_WINDOW = LIMITS.comparison.window
_OF_VERSION, _OF_ENVIRONMENT = "environment_model_version", "environment_model"
_ON_MODEL = "on (deployment_environment_name, gen_ai_request_model)"
_ON_VERSION = "on (deployment_environment_name, gen_ai_request_model, service_version)"


def _broken(name: str, rule: str, old: str, new: str, *noticing: Case) -> Mutation:
    return Mutation(name, "change.yml", old, new, noticing, rule)


def _both() -> Iterable[Mutation]:
    for alert, of, fires, trivial, uncertain, few, few_others, by_hand in (
        (
            VERSION, _OF_VERSION, cases.slower, cases.trivial, cases.uncertain, cases.few_of_new, cases.few_of_old,
            cases.by_hand,
        ),
        (
            BESIDE, _OF_ENVIRONMENT, cases.developed, cases.trivially_developed, cases.uncertainly_developed,
            cases.few_developed, cases.few_in_production, cases.developed_by_hand,
        ),
    ):  # fmt: skip
        yield _broken(f"{alert}: factor low", alert, " > 1.2 ", " > 1.02 ", trivial)
        yield _broken(f"{alert}: factor high", alert, " > 1.2 ", " > 12 ", fires)
        yield _broken(f"{alert}: z low", alert, " > 3.5)", " > 0.35)", uncertain)
        yield _broken(f"{alert}: z high", alert, " > 3.5)", " > 35)", fires)
        yield Mutation(f"{alert}: waits for nothing", "change.yml", "10m", "0s", (fires,), alert, "for")
        yield Mutation(f"{alert}: waits too long", "change.yml", "10m", "4h", (fires,), alert, "for")
        recorded = versions.slower(of, _WINDOW)
        own, others = (" >= 50) and on", " >= 5) and on"), (") >= 50)", ") >= 5)")
        yield _broken(f"{alert}: few", recorded, *own, few)
        yield _broken(f"{alert}: few others", recorded, *others, few_others)
        yield _broken(f"{alert}: many", recorded, ">= 50", ">= 5000", fires)
        z = versions.slower_z(of, _WINDOW)
        yield _broken(f"{alert}: no mean in the variance", z, " ^ 2)", " ^ 0)", by_hand)
        yield _broken(f"{alert}: error of a sum", z, "sqrt(", "sqrt(2 * ", by_hand)


def _listed() -> Iterable[Mutation]:
    seen = versions.seen(LIMITS)
    yield _broken("version: any that runs", VERSION, f"{seen} <= ", f"{seen} >= ", cases.old_was_slower)
    yield _broken("version: the oldest", VERSION, "min by", "max by", cases.old_was_slower)
    yield _broken("version: gone", VERSION, "count by (deployment_environment_name, service_version) (rag_build_info)",
                  "count by (deployment_environment_name, service_version) (last_over_time(rag_build_info[4h]))",
                  cases.taken_back)  # fmt: skip
    yield _broken("version: seen as one", seen, "count_over_time(", "0 * count_over_time(", cases.old_was_slower)
    steps, squares = versions.doublings(_WINDOW), versions.squares(_WINDOW)
    yield _broken("version: a bound left out", steps, "1 * ", "0 * ", cases.by_hand)
    yield _broken("version: squares of one", squares, "7 * ", "1 * ", cases.by_hand)
    for what, old in (("cold", 'start="warm",'), ("hit", 'cache!="hit",'), ("failed", ',outcome=~"ok|degraded"')):
        yield _broken(f"version: {what} ones count", "", old, "", cases.cold)
    yield _broken("environment: of each other", versions.slower(_OF_ENVIRONMENT, _WINDOW), '="production"',
                  '=~".+"', cases.developed)  # fmt: skip
    yield _broken("environment: production beside development", versions.slower(_OF_ENVIRONMENT, _WINDOW),
                  '"deployment_environment_name", "development"', '"deployment_environment_name", "production"',
                  cases.developed)  # fmt: skip


MUTATIONS: tuple[Mutation, ...] = (*_both(), *_listed())
