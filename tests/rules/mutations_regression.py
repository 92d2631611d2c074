"""Every bound and guard of the regression rules, broken one at a time."""

from collections.abc import Iterable

from tests.rules.mutation import Mutation
from tests.rules.regression_cases import FILE, GUARDS

_MEAN = "environment_model:rag_ask_duration_seconds:mean"
_LE = "on (deployment_environment_name, gen_ai_request_model, le)"
_SPREAD = "last_over_time(environment_model_le:rag_ask_duration_seconds:over_40m:spread_7d[4500s])"


def _broken(name: str, old: str, new: str, *cases: str, part: str = "") -> Mutation:
    return Mutation(name, FILE, old, new, tuple(GUARDS[case] for case in cases), part=part)


def _by_window() -> Iterable[Mutation]:
    """What both windows have, each on its own."""
    for window, suffix in (("40m", ""), ("6h", ", six hours")):
        z = f"environment_model:rag_ask_duration_seconds:z_{{}}_{window} > {{}}"
        for name, bound, low, high in (
            ("over", "3.4", "the share is usual", "both"),
            ("mean", "3.4", "the mean is usual", "both"),
            ("over", "4.25", "the mean is usual", "the share is far out"),
        ):
            old = z.format(name, bound)
            yield _broken(f"z of the {name} over {window}, {bound}, low", old, f"{old} * 0.1", low + suffix)
            yield _broken(f"z of the {name} over {window}, {bound}, high", old, f"{old} * 100", high + suffix)
        ratio = f"{_MEAN}_{window}:median_7d[4500s]) > 1.3"
        yield _broken(f"effect over {window} low", ratio, ratio.replace("1.3", "1.02"), "trivial")
        yield _broken(f"effect over {window} high", ratio, ratio.replace("1.3", "12"), "both" + suffix)
        number = f"count_{window} >= 20"
        yield _broken(f"answers over {window} few", number, f"count_{window} >= 2", "few" + suffix)
        yield _broken(f"answers over {window} many", number, f"count_{window} >= 20000", "both" + suffix)
        points = f"mean_{window}:points_7d[4500s]) >= 576"
        yield _broken(f"history over {window} short", points, points.replace("576", "57"), "young" + suffix)
        yield _broken(f"history over {window} long", points, points.replace("576", "5760"), "old enough" + suffix)


def _listed() -> Iterable[Mutation]:
    yield _broken("waits for nothing", "5m", "0m", "patience", part="for")
    yield _broken("waits too long", "5m", "50m", "patience", part="for")
    yield _broken("does not stay", "15m", "0s", "recovery", part="keep_firing_for")
    yield _broken("stays too long", "15m", "150m", "recovery", part="keep_firing_for")
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
    yield _broken("luck is a spread", f">= {_LE} sqrt", f">= {_LE} 0 * sqrt", "lucky")
    yield _broken("chance is the only spread", f"({_SPREAD}", f"(0 * {_SPREAD}", "wandering")
    yield _broken("what is rare is certain", ", 0.05, 0.95)", ", 0.0005, 0.95)", "rare")
    yield _broken("what is rare is never certain", ", 0.05, 0.95)", ", 0.5, 0.95)", "unheard of")
    yield _broken("one of few is no chance", "1 / environment", "0 / environment", "one of few")
    yield _broken("low buckets are not looked at", "0[.]32|0[.]64|1[.]28|", "", "quick model")
    yield _broken("high buckets are not looked at", "|20[.]48|40[.]96|81[.]92", "", "slow model")
    yield _broken("the long window is not looked at", f"({_MEAN}_6h{{}}", f"({_MEAN}_6h{{}} * 0", "long window")
    yield _broken(
        "models are not told apart",
        "sum by (deployment_environment_name, gen_ai_request_model)",
        "sum by (deployment_environment_name)",
        "both",
    )


MUTATIONS = (*_by_window(), *_listed())
