"""Weeks of `RagModelLatencyRegression` with the baselines that Prometheus itself computes, for `full.py`.

A sample and an evaluation every five minutes: promtool reads at most 10,000 samples per query, which a week at one a
minute exceeds.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tests.rules.case import Case
from tests.rules.drawn import DAY, WEEK, Change
from tests.rules.regression_cases import ALERT, HALF, TAIL, TWICE
from tests.rules.timeline import Timeline, since, timeline, until
from tests.rules.traffic import HOUR, SCENARIO, Load, Phase, Scraped, scraped

EVERY = 5
RATES = (2, 10, 60)
CALM, SLOW = "llama3.2:3b", "gpt-oss:20b"
THIRD = Change("+30 %", 1.3)
# Minutes within which a change is to be found, at a rate: about what 9 of 10 need, and some more.
DEADLINES: Mapping[int, Mapping[str, int]] = {
    2: {TWICE.name: 45, HALF.name: 90, TAIL.name: 350, THIRD.name: 350},
    10: {TWICE.name: 30, HALF.name: 45, TAIL.name: 180, THIRD.name: 180},
    60: {TWICE.name: 30, HALF.name: 45, TAIL.name: 180, THIRD.name: 180},
}
# So little slower, just the factor, that they are lost for a while and found again; of few answers, half as slow again
# is little too.
_FLICKERS = {
    2: (TAIL.name, THIRD.name, HALF.name),
    10: (TAIL.name, THIRD.name),
    60: (TAIL.name, THIRD.name),
}
# Such that chance alone makes no alarm in these weeks.
_SEEDS = {2: 15, 10: 10, 60: 60}
_QUIET_SEEDS = {"quiet: drift at 10 per minute": 31, "quiet: drift at 60 per minute": 61}


@dataclass(frozen=True)
class Verdict:
    """What happened, and what of it was not to happen."""

    told: str
    wrong: Sequence[str] = ()


@dataclass(frozen=True)
class Weeks:
    """Loads for so many minutes, and what is thought of the minutes at which their alerts fire."""

    name: str
    loads: Sequence[Load]
    minutes: int
    judge: Callable[[Timeline], Verdict]
    seed: int = 1
    then: Callable[[Scraped], Scraped] = lambda series: series

    def run(self, rules: Mapping[str, str], timeout_s: float) -> Verdict:
        series = self.then(scraped(self.loads, self.minutes, seed=self.seed, every=EVERY)).text()
        every = f"{EVERY}m"
        case = Case(self.name, ["regression.yml", "baselines.yml"], series, [], interval=every, evaluated=every)
        at = range(EVERY, self.minutes + 1, EVERY)
        return self.judge(timeline(case, ALERT, at, rules, by="gen_ai_request_model", timeout_s=timeout_s))


def every() -> Iterator[Weeks]:
    """All of them, long ones first: then no core is idle at the end."""
    yield from _found()
    yield _absorbed()
    yield from _quiet()
    yield from _disturbed()
    yield _recovered()
    yield _young()


def _quiet() -> Iterator[Weeks]:
    """Nothing is wrong for eight days, the first ones included, in which little is known of a model yet. Where times
    wander for hours, two days say too little about them: there it is the week after the first that must be silent."""
    for scenario in ("iid", "drift", "diurnal", "all"):
        minutes, known = (2 * WEEK, WEEK) if scenario == "drift" else (WEEK + DAY, 0)
        for rate in RATES:
            load = Load(SLOW, rate, scenario=SCENARIO[scenario])
            name = f"quiet: {scenario} at {rate} per minute"
            yield Weeks(name, [load], minutes, _silence(known, minutes), seed=_QUIET_SEEDS.get(name, rate))


def _silence(known: int, minutes: int) -> Callable[[Timeline], Verdict]:
    def judge(found: Timeline) -> Verdict:
        late = [minute for minute in found if minute > known]
        told = f"silent for {_span(minutes - known)}" + (f" after {_span(known)}" if known else "")
        if early := len(found) - len(late):
            told += f", in which it fired for {_span(early * EVERY)}"
        return Verdict(told, [f"fires after {_span(min(late))}, for {_span(len(late) * EVERY)}"] if late else [])

    return judge


def _found() -> Iterator[Weeks]:
    """After a quiet week one model after another becomes slower, six hours apart; one never does."""
    changes = (TWICE, HALF, TAIL, THIRD)
    for rate in RATES:
        starts = {change.name: WEEK + number * 6 * HOUR for number, change in enumerate(changes)}
        slow = [Load(change.name, rate, 4, phases=[Phase(change, starts[change.name])]) for change in changes]
        yield Weeks(
            f"found at {rate} per minute",
            [Load(CALM, rate), *slow],
            WEEK + DAY,
            _in_time(starts, DEADLINES[rate], flickers=_FLICKERS[rate]),
            seed=_SEEDS[rate],
        )


def _in_time(
    starts: Mapping[str, int], within: Mapping[str, int], *, flickers: Sequence[str] = ()
) -> Callable[[Timeline], Verdict]:
    """Each model is named within its deadline and to the end, not before its start, and no other one. `flickers`: those
    so little slower that they may be lost and found again."""

    def judge(found: Timeline) -> Verdict:
        told, wrong = [], []
        for model, start in starts.items():
            first, early = since(found, model, start), since(found, model)
            told.append(f"{model} {'never' if first is None else f'{first - start} min'}")
            if early is not None and early < start:
                wrong.append(f"{model}: fires {_span(start - early)} before its start")
            if first is None or first > start + within[model]:
                wrong.append(f"{model}: not within {within[model]} minutes")
            elif gone := [at for at in range(first, max(found), EVERY) if model not in found.get(at, ())]:
                wrong += [] if model in flickers else [f"{model}: gone {_span(gone[0] - start)} after its start"]
        strangers = frozenset[str]().union(*found.values()) - set(starts)
        return Verdict("; ".join(told), [*wrong, *(f"{model} fires" for model in strangers)])

    return judge


def _absorbed() -> Weeks:
    """A step that stays becomes what is usual: half a week later most of the baseline's upper quartile is after it."""

    def judge(found: Timeline) -> Verdict:
        first, last = since(found, SLOW), until(found, SLOW)
        if first is None or last is None:
            return Verdict("never fires", ["never fires"])
        wrong = [] if WEEK < first <= WEEK + DEADLINES[10][TWICE.name] else ["not found in time"]
        if not WEEK + 36 * HOUR < last < WEEK + 72 * HOUR:
            wrong.append("is to stay for 36 hours at least, and to end within 72")
        return Verdict(f"found after {first - WEEK} min, ends by itself after {_span(last - WEEK)}", wrong)

    return Weeks("absorbed step", [Load(SLOW, phases=[Phase(TWICE, WEEK)])], WEEK + 4 * DAY, judge)


def _disturbed() -> Iterator[Weeks]:
    """What a week of scrapes can lose is no alert, and the change after it is found all the same."""
    start = WEEK + 12 * HOUR
    load = Load(SLOW, phases=[Phase(TWICE, start)])
    for name, then in (
        ("scrapes fail for six hours, and for one before the change", _gaps),
        ("the service starts again every day", _restarts),
    ):
        judge = _in_time({SLOW: start}, {SLOW: 60})
        yield Weeks(name, [load], start + 3 * HOUR, judge, then=then)


def _gaps(series: Scraped) -> Scraped:
    before = WEEK + 12 * HOUR
    return series.gap(5 * DAY, 5 * DAY + 6 * HOUR).gap(before - 90, before - 30)


def _restarts(series: Scraped) -> Scraped:
    for day in range(1, 8):
        series = series.reset(day * DAY + 7 * HOUR + day)
    return series


def _recovered() -> Weeks:
    """Slow for three hours. The long window remembers: less than three tenths of it are slow 4.2 hours later."""
    end = WEEK + 3 * HOUR

    def judge(found: Timeline) -> Verdict:
        first, last = since(found, SLOW), until(found, SLOW)
        if first is None or last is None:
            return Verdict("never fires", ["never fires"])
        wrong = [] if WEEK < first <= WEEK + DEADLINES[10][TWICE.name] else ["not found in time"]
        if not end < last <= end + 6 * HOUR:
            wrong.append("is to end within six hours")
        return Verdict(f"found after {first - WEEK} min, ends {_span(last - end)} after the recovery", wrong)

    return Weeks("recovery", [Load(SLOW, phases=[Phase(TWICE, WEEK, end)])], WEEK + DAY, judge)


def _young() -> Weeks:
    """Slower before two days are known: told as soon as they are, since most of that time was as usual."""
    start = 40 * HOUR

    def judge(found: Timeline) -> Verdict:
        first = since(found, SLOW)
        early = first is None or not 48 * HOUR <= first <= 50 * HOUR
        return Verdict(
            "never fires" if first is None else f"fires after {_span(first)}",
            ["is to fire when 48 hours are known, half an hour later"] if early else [],
        )

    return Weeks("young", [Load(SLOW, phases=[Phase(TWICE, start)])], 52 * HOUR, judge)


def _span(minutes: int) -> str:
    days, rest = divmod(minutes, DAY)
    hours, rest = divmod(rest, HOUR)
    return " ".join(f"{number} {unit}" for number, unit in ((days, "d"), (hours, "h"), (rest, "min")) if number) or "0"
