"""One comparison by replay, from two addresses to a report."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ops.compare import questions as sources
from ops.compare.account import Conditions, account
from ops.compare.document import Document
from ops.compare.files import Folder
from ops.compare.findings import findings
from ops.compare.instance import Instance
from ops.compare.measured import Side
from ops.compare.pace import DEVELOPMENT, PRODUCTION_AT_ONCE, Pace, allowed_per_s
from ops.compare.plan import Asked, Step, chosen, plan
from ops.compare.replaying import Ended, Outcome, Replaying
from ops.compare.screen import progress
from ops.compare.verdict import Floor, Judgement, judge
from service.cli.client import ServiceClient
from service.cli.failures import FAILED, STOPPED, UNREACHABLE, USAGE, Failure
from service.cli.surroundings import Surroundings
from service.cli.wording import count, moment, plain, seconds, span_s

# Questions per second to one instance, unless told otherwise.
USUAL_PER_S = 2.0
# Of a comparison that was not done.
_CODES = {Ended.STOPPED: STOPPED, Ended.GONE: UNREACHABLE, Ended.BUSY: UNREACHABLE, Ended.REFUSED: FAILED}


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user wants. `per_s` None = as usual; `window` and `queries` say where the questions are from."""

    queries: Path | None
    window: str | None
    most: int
    rounds: int
    warm: int
    seed: int
    at_once: int
    per_s: float | None
    production_per_s: float
    floor: Floor
    cached: bool
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Compared:
    """The report, and how the command ends."""

    document: Document
    result: dict[str, Any]
    code: int


class Session:
    """Between the services behind `clients`. Raises `Failure` before anything is measured; later it reports instead."""

    def __init__(self, here: Surroundings, clients: Mapping[Side, ServiceClient], wish: Wish) -> None:
        self._here = here
        self._wish = wish
        fields = dict(wish.fields) | ({} if wish.cached else {"cache": {"no-cache": True, "no-store": True}})
        self._instances = {side: Instance(side, clients[side], fields, here.clock) for side in Side}
        self._per_s = {side: self._pace(one) for side, one in self._instances.items()}

    def run(self, target: Path) -> Compared:
        """Ask, judge, write into a new folder."""
        wish, here = self._wish, self._here
        found = self._questions()
        folder = Folder(target)
        asked = chosen(found.asked, wish.most, wish.seed)
        steps = plan(asked, wish.rounds, wish.warm, wish.seed)
        source = found.source if len(asked) == len(found.asked) else f"{len(asked)} by lot of {found.source}"
        self._announce(source, len(steps))
        begun, started = here.clock.time(), here.clock.monotonic()
        outcome = self._replay(asked, steps, folder)
        took_s = here.clock.monotonic() - started
        measured = findings(outcome.pairs, wish.seed)
        judged = judge(measured, wish.floor)
        conditions = Conditions(
            baseline=str(self._instances[Side.BASELINE]),
            candidate=str(self._instances[Side.CANDIDATE]),
            source=source,
            rounds=wish.rounds,
            seed=wish.seed,
            cached=wish.cached,
            fields=", ".join(f"{name} {value}" for name, value in wish.fields.items()) or "the services' own defaults",
            begun=moment(begun),
            took_s=took_s,
            warmed=outcome.warmed,
            notes=self._notes(outcome, len(steps)),
        )
        document = account(conditions, [one.text for one in asked], outcome.pairs, measured, judged)
        result = _result(conditions, outcome, judged, asdict(measured))
        folder.write(document, result)
        return Compared(document, result, _code(outcome, judged))

    def _replay(self, asked: Sequence[Asked], steps: Sequence[Step], folder: Folder) -> Outcome:
        here = self._here
        with progress(here.err, len(steps)) as advance:
            replaying = Replaying(
                self._instances,
                asked,
                steps,
                self._paces(),
                at_once=self._wish.at_once,
                keep=folder.keep,
                advance=advance,
                pause=here.pause,
            )
            try:
                return replaying.run()
            except Failure:
                folder.drop()
                raise

    def _questions(self) -> sources.Questions:
        wish = self._wish
        if wish.queries is not None:
            return sources.of_file(wish.queries)
        if wish.window is not None:
            since = self._here.clock.time() - span_s(wish.window)
            return sources.of_record(self._instances[Side.BASELINE].service, wish.window, since)
        return sources.of_samples()

    def _pace(self, instance: Instance) -> float:
        wish = self._wish
        per_s, why_not = allowed_per_s(wish.per_s, USUAL_PER_S, instance.environment, wish.production_per_s)
        todo = "Ask it more slowly; --production-rate allows more, when nobody needs that instance now."
        if not why_not and instance.environment != DEVELOPMENT and wish.at_once > PRODUCTION_AT_ONCE:
            why_not = f"{wish.at_once} askers are wished, {PRODUCTION_AT_ONCE} are allowed to {instance.environment}"
            todo = f"Name at most {PRODUCTION_AT_ONCE} --askers."
        if why_not:
            raise Failure(f"{instance.service.url} would be asked too fast", why_not, todo=todo, code=USAGE)
        return per_s

    def _paces(self) -> dict[Side, Pace]:
        """One for each address: an instance that is compared with itself is not asked twice as fast."""
        paces = {
            one.service.url: Pace(self._per_s[side], self._here.clock, self._here.pause)
            for side, one in self._instances.items()
        }
        return {side: paces[one.service.url] for side, one in self._instances.items()}

    def _announce(self, source: str, steps: int) -> None:
        for side, instance in self._instances.items():
            self._here.note(f"{side}: {plain(instance)}, at most {self._per_s[side]:g} questions a second")
        same = len({instance.service.url for instance in self._instances.values()}) == 1
        least_s = steps * (2 if same else 1) / min(self._per_s.values())
        self._here.note(f"{source}: {count(steps, 'pair')} with those to warm up, {seconds(least_s)} at least")
        if same:
            self._here.note("Both are the same instance: this shows what the comparison itself makes of no difference.")

    def _notes(self, outcome: Outcome, steps: int) -> tuple[str, ...]:
        done = f"{len(outcome.pairs) + outcome.warmed} of {steps} pairs"
        match outcome.ended, outcome.who:
            case Ended.STOPPED, _:
                return (f"Stopped by the user after {done}; what was measured until then is below.",)
            case Ended.GONE, Side() as who:
                url = self._instances[who].service.url
                return (f"The {who} at {url} went away after {done} ({outcome.why}); what was measured is below.",)
            case Ended.REFUSED, _:
                return (f"Ended after {done}: {outcome.why}; what was measured until then is below.",)
            case Ended.BUSY, Side() as who:
                url = self._instances[who].service.url
                told = f"The {who} at {url} turned one question after the other away ({outcome.why})"
                return (f"{told}: ended after {done}, so as not to be in the way of others.",)
        return ()


def folder_name(at: float) -> str:
    """compare-20251126-021500, local time."""
    return time.strftime("compare-%Y%m%d-%H%M%S", time.localtime(at))


def _code(outcome: Outcome, judged: Judgement) -> int:
    return _CODES.get(outcome.ended, judged.exit_code)


def _result(conditions: Conditions, outcome: Outcome, judged: Judgement, measured: Mapping[str, Any]) -> dict[str, Any]:
    ended = {"ended": outcome.ended, "who": outcome.who, "why": outcome.why}
    judgement = asdict(judged) | {"exit_code": judged.exit_code}
    return {"judgement": judgement, "run": ended, "conditions": asdict(conditions), "findings": measured}
