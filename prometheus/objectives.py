"""Whether users are hurt: how fast the error budget of the objective is used, per tier.

A bad answer failed or took longer than its tier's bound; slow and failed ones share one budget. Pairs of windows and
factors as in the SRE workbook, with a least number of answers: on a quiet box one bad answer is a large share. A pair
over days says earlier what a longer one will say: each has a patience of its own, or the shorter would be no use.
"""

from collections.abc import Sequence

from prometheus import traces
from prometheus.promql import any_of, bound, increase, matching, rate
from prometheus.rule import ENVIRONMENT, PAGE, TICKET, Alert, Group, Recording, label, recorded, value
from prometheus.thresholds import Burn, Thresholds, span_s
from service.telemetry.catalogue import ASK_DURATION, Attribute

_KEYS = (ENVIRONMENT, "tier")
_NOT_FAILED = 'outcome!~"error|rejected"'
# Windows beyond this are looked at less often: they change slowly, and cost much.
_LONG_S = 12 * 3600
_SELDOM = "2m"


def bad(window: str) -> str:
    """Share of bad answers."""
    return f"environment_tier:{ASK_DURATION.name}:bad_{window}"


def count(window: str) -> str:
    """How many answers."""
    return f"environment_tier:{ASK_DURATION.name}:count_{window}"


def groups(limits: Thresholds) -> list[Group]:
    """Shares of bad answers over every window that a pair needs, and the alerts."""
    burns = (*limits.burn.page, *limits.burn.ticket)
    windows = sorted({window for burn in burns for window in (burn.long, burn.short)}, key=span_s)
    counted = {burn.long for burn in burns}
    quick, slow = ([window for window in windows if (span_s(window) > _LONG_S) is long] for long in (False, True))
    made = [Group("objectives", [*_recorded(limits, quick, counted), *_alerts(limits)])]
    if slow:
        made.insert(0, Group("objectives over days", _recorded(limits, slow, counted), _SELDOM))
    return made


def _recorded(limits: Thresholds, windows: Sequence[str], counted: set[str]) -> list[Recording]:
    known = f'tier=~"{any_of(limits.slo.bound_s)}"'
    made = []
    for window in windows:
        made.append(Recording(bad(window), _bad_share(limits, window, known)))
        if window in counted:
            made.append(Recording(count(window), increase(ASK_DURATION, known, window, _KEYS, "_count")))
    return made


def _bad_share(limits: Thresholds, window: str, known: str) -> str:
    whole = rate(ASK_DURATION, known, window, _KEYS, "_count")
    good = " or ".join(
        rate(ASK_DURATION, f'tier="{tier}",le="{bound(limit)}",{_NOT_FAILED}', window, _KEYS, "_bucket")
        for tier, limit in limits.slo.bound_s.items()
    )
    return f"1 - ({good} or 0 * {whole}) / ({whole} > 0)"


def _alerts(limits: Thresholds) -> list[Alert]:
    """One alert per pair, with the pair's own patience and numbers; the label `window` tells them apart."""
    return [
        *(_burning("RagLatencyBudgetBurnPage", PAGE, burn, limits) for burn in limits.burn.page),
        *(_burning("RagLatencyBudgetBurnTicket", TICKET, burn, limits) for burn in limits.burn.ticket),
    ]


def _burning(name: str, severity: str, burn: Burn, limits: Thresholds) -> Alert:
    budget = f"{1 - limits.slo.target:.4g}"
    return Alert(
        name,
        _pair(burn, limits),
        severity,
        f"{value('humanizePercentage')} of the {label('tier')} answers of the last {burn.long} are slow or failed",
        f"Of {recorded(count(burn.long), _KEYS)} answers of the last {burn.long} {value('humanizePercentage')} "
        f"failed or took longer than the tier's bound ({_bounds(limits)}), and over {burn.short} "
        f"{recorded(bad(burn.short), _KEYS, 'humanizePercentage')}. The budget is {budget} of {limits.slo.window}; "
        f"it fires when both use it {burn.factor:g} times as fast.",
        burn.for_,
        traces=traces.questions(
            f'span.{Attribute.TIER} = "{label("tier")}" && '
            f'(duration > {min(limits.slo.bound_s.values()):g}s || span.{Attribute.OUTCOME} =~ "error|rejected")'
        ),
        labels={"window": burn.long},
    )


def _pair(burn: Burn, limits: Thresholds) -> str:
    share = f"{burn.factor * (1 - limits.slo.target):g}"
    on = matching(_KEYS)
    enough = f"{count(burn.long)} >= {limits.burn.min_answers}"
    return f"{bad(burn.long)} > {share} and {on} ({bad(burn.short)} > {share}) and {on} ({enough})"


def _bounds(limits: Thresholds) -> str:
    return ", ".join(f"{tier} {limit:g} s" for tier, limit in limits.slo.bound_s.items())
