"""Every bound and guard of the rules about telemetry, broken one at a time."""

from collections.abc import Iterator

from service.telemetry.catalogue import SERIES_BUDGET, SERIES_PER_FURTHER_MODEL
from tests.rules.mutation import Mutation
from tests.rules.pipeline_cases import CASES, COUNTERS, FILE, FILLING, LOST, MANY, OVERFLOW, RULES


def _broken(name: str, rule: str, old: str, new: str, *cases: str, part: str = "expr") -> Mutation:
    return Mutation(f"{rule}: {name}", FILE, old, new, tuple(CASES[case] for case in cases), rule, part)


def _births() -> Iterator[Mutation]:
    """Every counter that begins with its first event."""
    for counter in COUNTERS:
        metric, rule = counter.metric, counter.alert

        def case(name: str, metric: str = metric) -> str:
            return f"{metric}: {name}"

        series = f'{metric}{{error_type="queue_full"}}' if rule == LOST else metric
        increase, number = f"increase({series}[15m])", f"count_over_time({series}[15m])"
        scrapes = "max by (job, instance) (sum_over_time(up[15m]))"
        born = f"({series} and {number} < on (job, instance) group_left () {scrapes})"
        for name, old, new, case_name in (
            ("its second value hides its first", f"{born} > {increase} or ", "", "born again"),
            ("its first value is not seen", f" or {born}", "", "born"),
            ("its rise is not seen", f"or {increase} or", "or", "rises"),
            ("failed scrapes count", "sum_over_time(up[15m])", "count_over_time(up[15m])", "not seen for a while"),
            ("old is born", f"{number} <", f"{number} <=", "old"),
            ("birth is forgotten", number, number.replace("15m", "14m"), "old"),
            ("environments are mixed", "sum by (deployment_environment_name)", "sum", "born"),
            ("window short", f"{series}[15m]", f"{series}[14m]", "rises"),
            ("window long", f"{series}[15m]", f"{series}[16m]", "rises"),
            ("one is none", "> 0", "> 2", "born"),
            ("none is one", ") > 0", ") >= 0", "old"),
        ):
            yield _broken(f"{metric}: {name}", rule, old, new, case(case_name))


def _listed() -> Iterator[Mutation]:
    yield _broken("bound low", FILLING, "> 0.7", "> 0.68", "queue: room")
    yield _broken("bound high", FILLING, "> 0.7", "> 0.72", "queue: nearly full")
    yield _broken("waits too short", FILLING, "2m", "1m", "queue: nearly full", part="for")
    yield _broken("waits too long", FILLING, "2m", "3m", "queue: nearly full", part="for")
    yield _broken(
        "environments are mixed", FILLING, "max by (deployment_environment_name)", "max", "queue: nearly full"
    )
    for sum_ in (" + on (deployment_environment_name) sum", "or sum"):
        yield _broken(f"one kind is enough ({sum_.split()[0]})", LOST, sum_, sum_.replace("sum", "0 * sum"),
                      "spans: not taken", f"{COUNTERS[3].metric}: born")  # fmt: skip
    yield _broken("delivered ones count", LOST, 'result="failed"', 'result=~".+"', "spans: delivered")
    yield _broken("processed ones count", LOST, 'error_type="queue_full"', "", "spans: processed")
    yield _broken("failed ones do not count", LOST, 'result="failed"', 'result="lost"', "spans: not taken")
    yield _broken("window short", LOST, '"failed"}[15m]', '"failed"}[14m]', "spans: not taken")
    yield _broken("window long", LOST, '"failed"}[15m]', '"failed"}[16m]', "spans: not taken")
    failures, missed = "prometheus_rule_evaluation_failures_total", "prometheus_rule_group_iterations_missed_total"
    yield _broken("failures do not count", RULES, failures, missed, "rules: failed")
    yield _broken("what is left out does not count", RULES, missed, failures, "rules: left out")
    yield _broken("one is none", RULES, "> 0", "> 2", "rules: failed")
    yield _broken("none is one", RULES, "> 0", ">= 0", "rules: failed long ago")
    yield _broken("counted for ever", RULES, f"increase({failures}[15m])", failures, "rules: failed long ago")
    yield _broken("window short", RULES, "15m", "14m", "rules: left out")
    yield _broken("window long", RULES, "15m", "16m", "rules: left out")
    yield _broken("bound low", OVERFLOW, "> 0.001", "> 0.00092 * 0.95", "overflow: below")
    yield _broken("bound high", OVERFLOW, "> 0.001", "> 0.00112", "overflow: above")
    yield _broken("another bucket", OVERFLOW, 'le="600.0"', 'le="+Inf"', "overflow: above")
    yield _broken("window short", OVERFLOW, "15m", "14m", "overflow: above")
    yield _broken("window long", OVERFLOW, "15m", "16m", "overflow: above")
    yield _broken("environments are mixed", OVERFLOW, "sum by (deployment_environment_name)", "sum", "overflow: above")


def _cardinality() -> Iterator[Mutation]:
    bounds = ((SERIES_BUDGET, "series: {}"), (SERIES_PER_FURTHER_MODEL, "series: {}, with further models"))
    for number, case in bounds:
        yield _broken(f"{number} low", MANY, str(number), str(number - 3), case.format("below"))
        yield _broken(f"{number} high", MANY, str(number), str(number + 3), case.format("above"))
    yield _broken("bound low", MANY, "> 0.9", "> 0.8998", "series: below")
    yield _broken("bound high", MANY, "> 0.9", "> 0.9002", "series: above")
    yield _broken("usual models are further ones", MANY, "- 4", "- 3", "series: above")
    yield _broken("further models are usual ones", MANY, "- 4", "- 9", "series: below, with further models")
    yield _broken("fewer models have less room", MANY, "clamp_min", "clamp_max", "series: below, with fewer models")
    models = "count by (deployment_environment_name, gen_ai_request_model"
    yield _broken("versions are models", MANY, models, f"{models}, service_version", "series: above")
    yield _broken("another's series count", MANY, '{job="emini-rag"}', "", "series: another has many")
    yield _broken("folded ones do not count", MANY, 'problem="series_budget"', 'problem="x"', "series: folded")
    yield _broken("other problems count", MANY, 'problem="series_budget"', "", "series: another problem")
    yield _broken("folding is remembered for ever", MANY, "[15m])) > 0", "[15m])) >= 0", "series: folded once")
    yield _broken("window short", MANY, "15m", "14m", "series: folded")
    yield _broken("window long", MANY, "15m", "16m", "series: folded")
    yield _broken("waits too short", MANY, "2m", "1m", "series: above", part="for")
    yield _broken("waits too long", MANY, "2m", "3m", "series: above", part="for")


MUTATIONS = (*_births(), *_listed(), *_cardinality())
