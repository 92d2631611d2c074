"""Cases of failures, rejections, waiting, and models that are loaded again and again."""

from collections.abc import Iterator, Mapping

from tests.rules.case import PRODUCTION, Case, Firing, named
from tests.rules.counters import grows
from tests.rules.pace import DEVELOPMENT, DEVELOPMENT_PACE, LONG, PRODUCTION_PACE, Pace, growing, level, texts

FILE = "answers.yml"
ERRORS, SHED, WAIT, COLD = "RagErrorRatioHigh", "RagRequestsShed", "RagQueueWaitHigh", "RagModelColdLoads"
SMALL, LARGE = "llama3.2:3b", "gpt-oss:20b"
_SPANS = '{ resource.service.name = "emini-rag" && resource.deployment.environment.name = "production" && '


def asked(outcome: str, values: str, environment: Mapping[str, str] = PRODUCTION) -> dict[str, str]:
    """Questions that ended so."""
    labels = {"gen_ai_request_model": SMALL, "tier": "simple", "cache": "miss", "outcome": outcome, "start": "warm"}
    return {named("rag_ask_duration_seconds_count", **environment, service_version="1.0.0", **labels): values}


def failed(stage: str, kind: str, values: str) -> dict[str, str]:
    """Where and why they failed."""
    return {named("rag_errors_total", **PRODUCTION, stage=stage, error_type=kind): values}


def waited(count: float, mean_s: float, at: int, stage: str = "admission") -> dict[str, str]:
    """So many waited so long, all told of at one step."""
    labels = {**PRODUCTION, "stage": stage, "outcome": "ok"}
    return {
        named("rag_stage_duration_seconds_count", **labels): level((0, at), (count, LONG)),
        named("rag_stage_duration_seconds_sum", **labels): level((0, at), (count * mean_s, LONG)),
    }


def loaded(model: str, loads: float, calls: float, at: int, *, error: str = "", does: str = "chat") -> dict[str, str]:
    """Calls of a model, of which it had to be loaded for some, all at one step."""
    call = {"gen_ai_operation_name": does, "gen_ai_provider_name": "ollama", "error_type": error}
    one = {**PRODUCTION, "gen_ai_request_model": model}
    return {
        named("rag_llm_model_loads_total", **one): level((0, at), (loads, LONG)),
        named("gen_ai_client_operation_duration_seconds_count", **one, **call): level((0, at), (calls, LONG)),
    }


def _shares(pace: Pace, alert: str, outcome: str, severity: str, bound: float) -> Iterator[Case]:
    """A burst is in the window for all steps but the last."""
    ratio = pace.limits.ratio
    window, waits = pace.steps(ratio.window), pace.steps(ratio.for_)
    start, enough = window + 5, int(ratio.min_events)
    first, last = start + waits, start + window - 2
    # So many good ones for each bad one are exactly at the bound.
    even = round(1 / bound) - 1

    def burst(count: float) -> str:
        return level((0, start), (count, LONG))

    def case(name: str, series: Mapping[str, str], *expected: tuple[Firing, ...]) -> Case:
        return pace.case(f"{outcome}: {name}", FILE, series, *expected)

    def fires(*labels: Mapping[str, str]) -> tuple[Firing, ...]:
        return pace.fires(alert, first, last, *labels, severity=severity)

    silent = pace.silent(alert, *range(start, start + window + 3))
    good = asked("ok", growing(even - 1))
    other = "rejected" if outcome == "error" else "error"
    yield case("above", good | asked(outcome, burst(window)) | _healthy(DEVELOPMENT), fires(PRODUCTION))
    yield case("below", asked("ok", growing(even + 1)) | asked(outcome, burst(window)), silent)
    yield case("few", asked("ok", growing(1)) | asked(outcome, burst(enough - 1)), silent)
    yield case("just enough", asked("ok", growing(1)) | asked(outcome, burst(enough)), fires(PRODUCTION))
    unlike = {
        key: value
        for end in ("no_context", "degraded", "cancelled", other)
        for key, value in asked(end, burst(100)).items()
    }
    yield case("other ends", good | unlike | asked(outcome, "0+0x250"), silent)
    yield case("nobody asks", asked("ok", level((7, LONG))) | asked(outcome, level((3, LONG))), silent)
    yield case("all of them", asked(outcome, burst(enough), DEVELOPMENT) | _healthy(PRODUCTION), fires(DEVELOPMENT))
    fresh = level((5000, start), (0, LONG))
    yield case("a restart", asked("ok", fresh) | asked(outcome, fresh), silent)
    again = level((5000, start - 1), (0, 1), (enough, LONG))
    yield case("after a restart", asked("ok", fresh) | asked(outcome, again), fires(PRODUCTION))
    hole = level((0, start), (enough, 2), (None, 2), (enough, LONG))
    yield case(
        "nobody measured for a while",
        asked("ok", level((9, start + 2), (None, 2), (9, LONG))) | asked(outcome, hole),
        fires(PRODUCTION),
    )


def _healthy(environment: Mapping[str, str]) -> dict[str, str]:
    found = asked("ok", growing(3), environment)
    return found | asked("error", level((0, LONG)), environment) | asked("rejected", level((0, LONG)), environment)


def _waiting(pace: Pace) -> Iterator[Case]:
    queue, enough = pace.limits.queue, int(pace.limits.ratio.min_events)
    window, waits = pace.steps(queue.window), pace.steps(pace.limits.ratio.for_)
    start = window + 5
    bound = queue.wait_s[1]
    fires = pace.fires(WAIT, start + waits, start + window - 2, PRODUCTION)
    silent = pace.silent(WAIT, *range(start, start + window + 3))
    yield pace.case("wait: above", FILE, waited(enough, bound * 1.02, start), fires)
    yield pace.case("wait: below", FILE, waited(enough, bound * 0.98, start), silent)
    yield pace.case("wait: few", FILE, waited(enough - 1, bound * 9, start), silent)
    yield pace.case("wait: elsewhere", FILE, waited(50, 0, start) | waited(50, 90, start, "generate"), silent)
    yield pace.case("wait: nobody", FILE, waited(0, 0, start), silent)


def _loading(pace: Pace) -> Iterator[Case]:
    cold = pace.limits.cold
    window, waits, enough = pace.steps(cold.window), pace.steps(pace.limits.ratio.for_), cold.min_loads
    start = 20
    fires = pace.fires(COLD, start + waits, start + window - 2, {**PRODUCTION, "gen_ai_request_model": LARGE})
    silent = pace.silent(COLD, *range(start, start + window + 3))
    share, calls = cold.share, 100
    high = loaded(LARGE, share * calls + 2, calls, start)
    yield pace.case("cold: above", FILE, high | loaded(SMALL, 1, calls, start), fires)
    yield pace.case("cold: below", FILE, loaded(LARGE, share * calls - 2, calls, start), silent)
    yield pace.case("cold: few", FILE, loaded(LARGE, enough - 1, enough - 1, start), silent)
    yield pace.case("cold: just enough", FILE, loaded(LARGE, enough, enough, start), fires)
    failing = loaded(LARGE, share * calls + 2, 9000, start, error="timeout") | loaded(
        LARGE, 0, 9000, start, does="embeddings"
    )
    yield pace.case("cold: only good calls of chat count", FILE, failing | high, fires)
    yield pace.case("cold: loaded for nobody", FILE, loaded(LARGE, 50, 0, start), silent)


def cases(pace: Pace) -> dict[str, Case]:
    """All of them by name."""
    ratio = pace.limits.ratio
    found = (
        *_shares(pace, ERRORS, "error", "page", ratio.errors[1]),
        *_shares(pace, SHED, "rejected", "ticket", ratio.rejected[1]),
        *_waiting(pace),
        *_loading(pace),
    )
    return {case.name: case for case in found}


def _told() -> Iterator[Case]:
    """What each says, once."""
    pace = PRODUCTION_PACE

    def say(
        alert: str, at: int, series: Mapping[str, str], said: Mapping[str, str], severity: str = "ticket", **more: str
    ) -> Case:
        firing = Firing(pace.at(at), alert, ({**PRODUCTION, **more},), severity, said)
        return pace.case(f"texts of {alert}", FILE, series, (firing,))

    burst = level((0, 20), (15, LONG))
    questions = asked("ok", growing(9)) | asked("error", burst) | asked("rejected", burst)
    why = failed("generate", "timeout", burst) | failed("retrieve", "server_error", level((0, 20), (2, LONG)))
    why |= failed("admission", "overloaded", level((0, 20), (70, LONG)))
    why |= failed("generate", "cancelled", level((0, 20), (80, LONG)))
    share = "9.091% of the questions"
    yield say(
        ERRORS, 25, questions | why,
        texts(ERRORS, f"{share} fail",
              "15 of 165 questions of the last 15m failed, most of them with timeout in generate; at most 1% is usual.",
              "overview", f'{_SPANS}name = "invoke_workflow ask" && span.rag.outcome = "error" }}',
              environment="production"),
        "page",
    )  # fmt: skip
    yield say(
        SHED, 25, questions,
        texts(SHED, f"{share} are turned away",
              "15 of 165 questions of the last 15m found no place at a model and none in its queue; at most 1% is "
              "usual.",
              "overview", f'{_SPANS}name = "invoke_workflow ask" && span.rag.outcome = "rejected" }}',
              environment="production"),
    )  # fmt: skip
    yield say(
        WAIT, 25, waited(8, 90, 20),
        texts(WAIT, "Questions wait 1m 30s for a model",
              "Mean over 8 questions of the last 10m; up to 0.64 s is usual.",
              "overview", f'{_SPANS}name = "admission" && duration > 0.64s }}', environment="production"),
    )  # fmt: skip
    versions = {key.replace("{", '{service_version="2.0.0",'): grows((0, LONG)) for key in loaded(LARGE, 0, 0, 20)}
    yield say(
        COLD, 25, loaded(LARGE, 10, 20, 20) | versions,
        texts(COLD, f"{LARGE} was loaded anew for 50% of its answers",
              "10 loads in the last 1h; a model that stays loaded has next to none. Such answers are left out of the "
              "comparison with the model's usual time.",
              "model", f'{_SPANS}name = "invoke_workflow ask" && span.gen_ai.request.model = "{LARGE}" && '
              "span.rag.cold = true }", environment="production", model="gpt-oss%3A20b"),
        gen_ai_request_model=LARGE,
    )  # fmt: skip


CASES = cases(PRODUCTION_PACE)
QUICK = cases(DEVELOPMENT_PACE)
TEXTS = tuple(_told())
