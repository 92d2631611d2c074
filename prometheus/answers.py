"""What is wrong now, whatever was usual: failures, rejections, waiting, models that are loaded again and again."""

from prometheus import traces
from prometheus.promql import increase, matching, mean
from prometheus.rule import (
    COUNT,
    ENVIRONMENT,
    MODEL,
    PAGE,
    TICKET,
    Alert,
    Group,
    Recording,
    label,
    looked_up,
    recorded,
    value,
)
from prometheus.thresholds import Thresholds
from service.ask.types import Stage
from service.errors import ErrorKind
from service.telemetry.catalogue import (
    ASK_DURATION,
    CALL_DURATION,
    ERRORS,
    MODEL_LOADS,
    STAGE_DURATION,
    Attribute,
    SpanName,
)

_HERE = (ENVIRONMENT,)
_OF_MODEL = (ENVIRONMENT, MODEL)


def asked(window: str) -> str:
    """How many questions."""
    return f"environment:{ASK_DURATION.name}:asked_{window}"


def ended(outcome: str, window: str) -> str:
    """How many of them ended so."""
    return f"environment:{ASK_DURATION.name}:{outcome}_{window}"


def group(limits: Thresholds) -> Group:
    """All of it, in one group."""
    window = limits.ratio.window
    counted = [
        Recording(asked(window), increase(ASK_DURATION, "", window, _HERE, "_count")),
        *(
            Recording(ended(outcome, window), increase(ASK_DURATION, f'outcome="{outcome}"', window, _HERE, "_count"))
            for outcome in ("error", "rejected")
        ),
    ]
    return Group("answers", [*counted, _errors(limits), _shed(limits), _waiting(limits), _cold(limits)])


def _of_all(outcome: str, most: float, limits: Thresholds) -> str:
    window = limits.ratio.window
    part, whole, on = ended(outcome, window), asked(window), matching(_HERE)
    return f"{part} / {on} ({whole} > 0) > {most:g} and {on} ({part} >= {limits.ratio.min_events})"


def _errors(limits: Thresholds) -> Alert:
    window = limits.ratio.window
    # Of all that did not end well, without who was turned away and who left: those did not fail.
    failed = f'{ERRORS.name}{{%s,stage!="{Stage.ADMISSION}",error_type!="{ErrorKind.CANCELLED}"}}'
    worst = f"topk(1, sum by (stage, error_type) (increase({failed}[{window}])))"
    return Alert(
        "RagErrorRatioHigh",
        _of_all("error", limits.ratio.errors[1], limits),
        PAGE,
        f"{value('humanizePercentage')} of the questions fail",
        f"{_now(ended('error', window))} of {_now(asked(window))} questions of the last {window} failed, most of them with "
        f"{_label_of(worst, 'error_type')} in {_label_of(worst, 'stage')}; at most {limits.ratio.errors[0]:.0%} is usual.",
        limits.ratio.for_,
        traces=traces.questions(f'span.{Attribute.OUTCOME} = "error"'),
    )


def _shed(limits: Thresholds) -> Alert:
    window = limits.ratio.window
    return Alert(
        "RagRequestsShed",
        _of_all("rejected", limits.ratio.rejected[1], limits),
        TICKET,
        f"{value('humanizePercentage')} of the questions are turned away",
        f"{_now(ended('rejected', window))} of {_now(asked(window))} questions of the last {window} found no place at a "
        f"model and none in its queue; at most {limits.ratio.rejected[0]:.0%} is usual.",
        limits.ratio.for_,
        traces=traces.questions(f'span.{Attribute.OUTCOME} = "rejected"'),
    )


def _waiting(limits: Thresholds) -> Alert:
    window, of = limits.queue.window, 'stage="admission"'
    count = increase(STAGE_DURATION, of, window, _HERE, "_count")
    return Alert(
        "RagQueueWaitHigh",
        f"{mean(STAGE_DURATION, of, window, _HERE)} > {limits.queue.wait_s[1]:g} and {matching(_HERE)} "
        f"({count} >= {limits.ratio.min_events})",
        TICKET,
        f"Questions wait {value('humanizeDuration')} for a model",
        f"Mean over {looked_up(count.replace('{' + of, '{' + of + ',%s'), _HERE, COUNT)} questions of the last {window}; up to "
        f"{limits.queue.wait_s[0]:g} s is usual.",
        limits.ratio.for_,
        traces=traces.spans(f'name = "{SpanName.ADMISSION}" && duration > {limits.queue.wait_s[0]:g}s'),
    )


def _cold(limits: Thresholds) -> Alert:
    window, bounds = limits.cold.window, limits.cold
    loads = increase(MODEL_LOADS, "", window, _OF_MODEL)
    calls = increase(CALL_DURATION, 'gen_ai_operation_name="chat",error_type=""', window, _OF_MODEL, "_count")
    on = matching(_OF_MODEL)
    ratio = f"{loads} / {on} ({calls} > 0)"
    return Alert(
        "RagModelColdLoads",
        f"{ratio} > {bounds.share:g} and {on} ({loads} >= {bounds.min_loads})",
        TICKET,
        f"{label(MODEL)} was loaded anew for {value('humanizePercentage')} of its answers",
        f"{looked_up(f'sum(increase({MODEL_LOADS.name}{{%s}}[{window}]))', _OF_MODEL, COUNT)} loads in the last {window}; a model that "
        f"stays loaded has next to none. Such answers are left out of the comparison with the model's usual time.",
        limits.ratio.for_,
        dashboard="model",
        variables={"environment": ENVIRONMENT, "model": MODEL},
        traces=traces.questions(f"{traces.of_model(MODEL)} && span.{Attribute.COLD} = true"),
    )


def _now(name: str) -> str:
    return recorded(name, _HERE, COUNT)


def _label_of(series: str, name: str) -> str:
    """A label of the first series that a query finds."""
    return looked_up(series, _HERE, "print", f'label "{name}"')
