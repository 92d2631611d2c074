"""Every bound and guard of the regression rules, broken one at a time."""

from collections.abc import Iterable

from tests.rules.mutation import Mutation
from tests.rules.regression_cases import FILE, GUARDS

_MEAN = "environment_model:rag_ask_duration_seconds:mean"
_ON = "on (deployment_environment_name, gen_ai_request_model)"
_USUAL_SHARE = "last_over_time(environment_model_le:rag_ask_duration_seconds:over_1h:median_7d[4500s])"


def _broken(name: str, old: str, new: str, *cases: str) -> Mutation:
    return Mutation(name, FILE, old, new, tuple(GUARDS[case] for case in cases))


def _by_window() -> Iterable[Mutation]:
    """What both windows have, each on its own."""
    for window, suffix in (("1h", ""), ("6h", ", six hours")):
        z = f"environment_model:rag_ask_duration_seconds:z_{{}}_{window} > 4"
        for value, case in (("mean", "mean"), ("over", "share")):
            old = z.format(value)
            yield _broken(f"z of the {value} over {window} low", old, f"{old} * 0.1", "within")
            yield _broken(f"z of the {value} over {window} high", old, f"{old} * 100", case + suffix)
        ratio = f"{_MEAN}_{window}:median_7d[4500s]) > 1.2"
        yield _broken(f"effect over {window} low", ratio, ratio.replace("1.2", "1.02"), "trivial")
        yield _broken(f"effect over {window} high", ratio, ratio.replace("1.2", "12"), "mean" + suffix)
        number = f"count_{window} >= 20"
        yield _broken(f"answers over {window} few", number, f"count_{window} >= 2", "few" + suffix)
        yield _broken(f"answers over {window} many", number, f"count_{window} >= 20000", "mean" + suffix)
        points = f"mean_{window}:points_7d[4500s]) >= 288"
        yield _broken(f"history over {window} short", points, points.replace("288", "28"), "young" + suffix)
        yield _broken(f"history over {window} long", points, points.replace("288", "2880"), "old enough" + suffix)


def _listed() -> Iterable[Mutation]:
    yield _broken("waits for nothing", "10m", "0m", "patience")
    yield _broken("waits too long", "10m", "100m", "patience")
    yield _broken("does not stay", "15m", "0s", "recovery")
    yield _broken("stays too long", "15m", "150m", "recovery")
    yield _broken("hits count", 'cache!="hit",', "", "hits")
    yield _broken("answers past the cache do not count", 'cache!="hit"', 'cache="miss"', "bypassed")
    yield _broken("cold starts count", 'start="warm",', "", "cold")
    yield _broken("failures count", 'outcome=~"ok|degraded"', 'outcome=~".+"', "failed")
    yield _broken("degraded answers do not count", "ok|degraded", "ok", "degraded")
    yield _broken("strange models count", "none|other", "none", "other")
    yield _broken("no model counts", "none|other", "other", "none")
    yield _broken("0/0 is recorded", " > 0)", ")", "idle")
    yield _broken("a baseline is gone after minutes", "[4500s]", "[60s]", "seldom")
    yield _broken("a baseline is kept for ever", "[4500s]", "[3d]", "no more")
    yield _broken("a quiet hour is as sure as any", "clamp_min(", "clamp_max(", "quiet hour")
    yield _broken("a busy hour is surer than any", ", 1)))", ", 0)))", "busy hour")
    yield _broken("luck is a spread", f" >= {'on (deployment_environment_name, gen_ai_request_model, le)'} sqrt", " >= "
                  "on (deployment_environment_name, gen_ai_request_model, le) 0 * sqrt", "lucky")  # fmt: skip
    yield _broken("chance is the only spread", "(last_over_time(environment_model_le:rag_ask_duration_seconds:over_1h:"
                  "spread_7d[4500s])", "(0 * last_over_time(environment_model_le:rag_ask_duration_seconds:over_1h:"
                  "spread_7d[4500s])", "wandering")  # fmt: skip
    yield _broken("tiny shares count", f"{_USUAL_SHARE} >= 0.03", f"{_USUAL_SHARE} >= 0.003", "too small")
    yield _broken("small shares do not count", f"{_USUAL_SHARE} >= 0.03", f"{_USUAL_SHARE} >= 0.3", "small")
    yield _broken("huge shares count", f"{_USUAL_SHARE} <= 0.7", f"{_USUAL_SHARE} <= 0.99", "too large")
    yield _broken("large shares do not count", f"{_USUAL_SHARE} <= 0.7", f"{_USUAL_SHARE} <= 0.07", "large")
    yield _broken("low buckets are not looked at", "0[.]32|0[.]64|1[.]28|", "", "quick model")
    yield _broken("high buckets are not looked at", "|20[.]48|40[.]96|81[.]92", "", "slow model")
    yield _broken("the long window is not looked at", f"({_MEAN}_6h{{}}", f"({_MEAN}_6h{{}} * 0", "long window")
    yield _broken(
        "models are not told apart",
        "sum by (deployment_environment_name, gen_ai_request_model)",
        "sum by (deployment_environment_name)",
        "mean",
    )


MUTATIONS = (*_by_window(), *_listed())
