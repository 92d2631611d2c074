"""Rules about what left its own past: stages, hits in the cache, answers without a source."""

from dataclasses import replace

import pytest

from prometheus.thresholds import of_environment
from tests.rules.case import PRODUCTION, Case, Firing, named, run
from tests.rules.change_cases import CASES, HITS, LIMITS, NO_CONTEXT, STAGE, flushed, slow_stage, unknown
from tests.rules.counters import grows
from tests.rules.pace import texts

_ASKED = (
    '{ resource.service.name = "emini-rag" && resource.deployment.environment.name = "production" && '
    'name = "invoke_workflow ask" && '
)


def test_what_left_its_own_past_is_told_of_and_nothing_else() -> None:
    outcome = run(CASES, LIMITS)

    assert outcome.passed, outcome.said


@pytest.mark.parametrize(
    ("case", "firing"),
    [
        (
            slow_stage,
            Firing("4h", STAGE, [{**PRODUCTION, "stage": "generate"}], "info", texts(
                STAGE, "The stage generate takes 2.1 times its usual time",
                "Mean of the last 1h: 10.5s over 120 questions; usual: 5s. This says where the time of a slower answer "
                "went.",
                "slow", _ASKED + "duration > 10.24s }", environment="production",
            )),
        ),
        (
            flushed,
            Firing("2h20m", HITS, [PRODUCTION], "info", texts(
                HITS, "Only 19.32% of the answers come from the cache",
                "Of 120 lookups in the last 1h; usual: 60%. More questions reach a model, so answers take longer.",
                "cache", _ASKED + 'span.rag.cache.result != "hit" }', environment="production",
            )),
        ),
        (
            unknown,
            Firing("4h", NO_CONTEXT, [PRODUCTION], "ticket", texts(
                NO_CONTEXT, "40% of the questions find nothing in the documents",
                "Of 120 questions in the last 1h; usual: 10%.",
                "cache", _ASKED + 'span.rag.outcome = "no_context" }', environment="production",
            )),
        ),
    ],
    ids=[STAGE, HITS, NO_CONTEXT],
)  # fmt: skip
def test_it_says_what_is_the_matter(case: Case, firing: Firing) -> None:
    outcome = run([replace(case, expected=[firing], recorded=())], LIMITS)

    assert outcome.passed, outcome.said


def test_a_past_that_the_rules_recorded_themselves_will_do_and_a_quiet_night_in_it_does_no_harm() -> None:
    """At the pace of development, where a baseline is half an hour: fifteen minutes of nothing, ten as usual, then the
    change. Without a guard the nothing would be 0/0, and make the median of the baseline no number."""
    quiet, usual, after = 60, 40, 20
    ask = {**PRODUCTION, "cache": "miss"}
    lookups = {**PRODUCTION, "cache": "answer"}
    stage = {**PRODUCTION, "stage": "generate", "outcome": "ok"}
    series = {
        name: grows((0, quiet), (before, usual), (then, after))
        for name, before, then in (
            (named("rag_stage_duration_seconds_sum", **stage), 5, 15),
            (named("rag_stage_duration_seconds_count", **stage), 5, 5),
            (named("rag_cache_requests_total", **lookups, result="hit"), 3, 0),
            (named("rag_cache_requests_total", **lookups, result="miss"), 2, 5),
            (named("rag_ask_duration_seconds_count", **ask, outcome="no_context"), 1, 4),
            (named("rag_ask_duration_seconds_count", **ask, outcome="ok"), 4, 1),
        )
    }
    whom = {STAGE: ({**PRODUCTION, "stage": "generate"}, "info"), HITS: (PRODUCTION, "info"),
            NO_CONTEXT: (PRODUCTION, "ticket")}  # fmt: skip
    expected = [Firing(f"{(quiet + usual) * 15}s", alert) for alert in whom]
    at = f"{(quiet + usual + 15) * 15}s"
    expected += [Firing(at, alert, [labels], severity) for alert, (labels, severity) in whom.items()]

    outcome = run(
        [Case("a quiet night", ("baselines.yml", "change.yml"), series, expected, interval="15s", evaluated="15s")],
        of_environment("development"),
    )

    assert outcome.passed, outcome.said
