"""Every bound and guard of the rules about answers, broken one at a time."""

from collections.abc import Iterator

from tests.rules.answers_cases import CASES, COLD, ERRORS, FILE, SHED, WAIT
from tests.rules.mutation import Mutation


def _broken(name: str, rule: str, old: str, new: str, *cases: str, part: str = "expr") -> Mutation:
    return Mutation(f"{rule}: {name}", FILE, old, new, tuple(CASES[case] for case in cases), rule, part)


def _shares(rule: str, outcome: str) -> Iterator[Mutation]:
    recorded = f"environment:rag_ask_duration_seconds:{outcome}_15m"
    asked = "environment:rag_ask_duration_seconds:asked_15m"
    yield _broken("bound low", rule, "> 0.05", "> 0.048 * 0.99", f"{outcome}: below")
    yield _broken("bound high", rule, "> 0.05", "> 0.053", f"{outcome}: above")
    yield _broken("few count", rule, ">= 5", ">= 4", f"{outcome}: few")
    yield _broken("many are needed", rule, ">= 5", ">= 6", f"{outcome}: just enough")
    yield _broken("waits too short", rule, "5m", "4m", f"{outcome}: above", part="for")
    yield _broken("waits too long", rule, "5m", "6m", f"{outcome}: above", part="for")
    yield _broken("environments are mixed", recorded, " by (deployment_environment_name)", "", f"{outcome}: above")
    yield _broken("window short", recorded, "15m", "14m", f"{outcome}: above")
    yield _broken("window long", recorded, "15m", "16m", f"{outcome}: above")
    yield _broken("other ends count", recorded, f'outcome="{outcome}"', 'outcome!="ok"', f"{outcome}: other ends")
    yield _broken("restarts count", recorded, "increase(", "delta(", f"{outcome}: after a restart")
    # What nobody asked is no share; every other number of questions is the whole.
    yield _broken(f"only {outcome} ones are the whole", asked, "{}", f'{{outcome="{outcome}"}}', f"{outcome}: below")
    yield _broken(f"whole of {outcome} short", asked, "15m", "10m", f"{outcome}: below")


def _listed() -> Iterator[Mutation]:
    yield _broken("bound low", WAIT, "> 2.56", "> 2.5", "wait: below")
    yield _broken("bound high", WAIT, "> 2.56", "> 2.62", "wait: above")
    yield _broken("few count", WAIT, ">= 5", ">= 4", "wait: few")
    yield _broken("many are needed", WAIT, ">= 5", ">= 6", "wait: above")
    yield _broken("other stages count", WAIT, 'stage="admission"', 'stage=~".+"', "wait: elsewhere")
    yield _broken("window short", WAIT, "10m", "9m", "wait: above")
    yield _broken("window long", WAIT, "10m", "11m", "wait: above")
    yield _broken("waits too short", WAIT, "5m", "4m", "wait: above", part="for")
    yield _broken("waits too long", WAIT, "5m", "6m", "wait: above", part="for")
    yield _broken("bound low", COLD, "> 0.3", "> 0.28 * 0.99", "cold: below")
    yield _broken("bound high", COLD, "> 0.3", "> 0.33", "cold: above")
    yield _broken("few count", COLD, ">= 5", ">= 4", "cold: few")
    yield _broken("many are needed", COLD, ">= 5", ">= 6", "cold: just enough")
    yield _broken("loads without answers", COLD, " > 0)", ")", "cold: loaded for nobody")
    yield _broken("failures count", COLD, ',error_type=""', "", "cold: only good calls of chat count")
    yield _broken("other calls count", COLD, 'gen_ai_operation_name="chat",', "", "cold: only good calls of chat count")
    yield _broken("models are mixed", COLD, "deployment_environment_name, gen_ai_request_model",
                  "deployment_environment_name", "cold: above")  # fmt: skip
    yield _broken("window short", COLD, "1h", "59m", "cold: above")
    yield _broken("window long", COLD, "1h", "61m", "cold: above")
    yield _broken("waits too short", COLD, "5m", "4m", "cold: above", part="for")
    yield _broken("waits too long", COLD, "5m", "6m", "cold: above", part="for")


MUTATIONS = (*_shares(ERRORS, "error"), *_shares(SHED, "rejected"), *_listed())
