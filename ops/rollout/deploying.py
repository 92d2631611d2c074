"""A deploy, step by step: each is told before it is done, and noted when it is, so that another process can go on.

Nothing that runs is touched until the step `up`. From then on the new version is on trial, and whatever happens (a bad
verdict, Ctrl-C, an error in here) the old one comes back, unless the verdict was to keep.
"""

import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from typing import Any

from ops.checkpoint.code_state import CodeState, Repository
from ops.checkpoint.creating import Making, Wish
from ops.checkpoint.live_service import LiveService
from ops.checkpoint.restoring import Restoring
from ops.rollout.evidence import Collected, Past, Seen, Usual
from ops.rollout.host import Host
from ops.rollout.journal import Journal, Records
from ops.rollout.judging import Judged
from ops.rollout.pointer import Version
from ops.rollout.readiness import away
from ops.rollout.smoke import GREETING, Smoke, ask, modes, openai_works
from ops.rollout.watching import Pace, Watching
from prometheus.thresholds import Thresholds
from service.cli.drill.interrupts import Interrupts
from service.cli.failures import Failure
from service.cli.wording import count, seconds
from service.corpus.schema import SCHEMA_VERSION

PIN = "before the version in use"
STEPS = ("prepare", "old", "measure", "checkpoint", "up", "smoke", "watch", "keep")
# How long writers are kept out at most. Less than a next attempt waits for them: one that was killed is still counted.
_HOLD_S = 45.0
_TRIAL = STEPS[STEPS.index("up") :]


@dataclass
class Ways:
    """What a deploy and a rollback work with. `mark` puts an event on the dashboards and says whether it did."""

    host: Host
    records: Records
    making: Making
    live: LiveService
    past: Past
    limits: Thresholds
    questions: Sequence[str]
    pace: Pace
    mark: Callable[[str, str, str], bool]
    pause: Callable[[float], None]
    interrupts: Interrupts

    def say(self, text: str) -> None:
        self.making.screen.say(text)

    def now(self) -> float:
        return self.making.clock.time()

    def check(self, before: dict[str, Any], checkpoint: str) -> None:
        """The first minute of what runs. Raises `Failure` with the first check that is bad."""
        folder = self.making.archive.folder / checkpoint
        there = folder if checkpoint and folder.is_dir() else None
        smoke = Smoke(self.live, there, before, self.making.clock, self.pause)
        for judged in smoke.run():
            self.say(f"  {'BAD ' if judged.bad else 'ok  '} {judged.what}: {judged.said}")
            if judged.bad:
                raise Failure(f"{judged.what}: {judged.said}")

    def keep_state(self, name: str, note: str, version: Version) -> None:
        """A checkpoint, unless it is there already."""
        with self.making.archive.changing():
            if (self.making.archive.folder / name).is_dir():
                return
            making = replace(self.making, repository=_Of(self.making.repository, version))
            making.create(Wish(name, note=note, tag=False, hold_s=_HOLD_S))

    def restore(self, name: str, target: Version, other: Version, keep_today: str) -> None:
        """The documents of a checkpoint under another version. When that fails, both are as before."""
        self.host.point(target, other)
        taken = (self.making.archive.folder / keep_today).is_dir()
        making = replace(self.making, repository=_Of(self.making.repository, other))
        try:
            with self.making.archive.changing():
                Restoring(making, keep_today=None if taken else keep_today).restore(name)
        except BaseException:
            self.host.up(other, target, "")
            raise


class _Of(Repository):
    """Says the commit of the version that runs, which is not that of the checkout."""

    def __init__(self, repository: Repository, version: Version) -> None:
        self._repository = repository
        self._version = version

    def state(self) -> CodeState | None:
        if not self._version.commit:
            return None
        return CodeState(self._version.commit, "", self._version.commit[:12])

    def patch(self) -> str:
        return ""

    def tag(self, name: str, commit: str) -> str:
        return self._repository.tag(name, commit)


class Deploying:
    """One deploy, new or gone on with. `run` says whether the new version was kept."""

    def __init__(self, ways: Ways, journal: Journal) -> None:
        self._ways = ways
        self._journal = journal

    def run(self) -> bool:
        """Raises `Failure` when it could not be decided; nothing that runs was changed then, or it says so."""
        journal, ways = self._journal, self._ways
        if journal.verdict:
            self._say_again()
            if journal.verdict["keep"]:
                self._step("keep", self._keep)
            else:
                self._back()
            return bool(journal.verdict["keep"])
        try:
            for name in STEPS[: STEPS.index("up")]:
                self._step(name, self._work(name))
        except BaseException as error:
            if not journal.changed_something:
                ways.records.log(ways.now(), "not begun", id=journal.id, ref=journal.ref, why=_told(error))
                ways.records.close()
            raise
        with ways.interrupts.mended(self._on_trial()):
            if "up" in journal.done:
                self._look_after_the_trial()
            for name in _TRIAL:
                self._step(name, self._work(name))
        return bool(journal.verdict["keep"])

    def give_up(self, why: str) -> None:
        """Go back, if there is anything to go back from."""
        self._journal.verdict = {"keep": False, "why": [why]}
        if self._journal.changed_something:
            self._back()
        else:
            self._ways.records.log(self._ways.now(), "given up", id=self._journal.id, ref=self._journal.ref, why=why)
            self._ways.records.close()

    @contextmanager
    def _on_trial(self) -> Iterator[None]:
        try:
            yield
        except BaseException as error:
            if self._journal.verdict.get("keep"):
                raise
            if not self._journal.verdict:
                self._journal.verdict = {"keep": False, "why": [_told(error)]}
            self._back()
            if not isinstance(error, Failure):
                raise

    def _work(self, name: str) -> Callable[[], None]:
        return {
            "prepare": self._prepare,
            "old": self._old,
            "measure": self._measure,
            "checkpoint": self._checkpoint,
            "up": self._up,
            "smoke": self._smoke,
            "watch": self._watch,
            "keep": self._keep,
        }[name]

    def _step(self, name: str, work: Callable[[], None]) -> None:
        journal, ways = self._journal, self._ways
        if name in journal.done:
            return
        journal.doing = name
        ways.records.write(journal)
        text = f"{STEPS.index(name) + 1}/{len(STEPS)} {name}: {told(name, journal)}"
        with ways.making.screen.step(name, text):
            work()
        journal.done.append(name)
        journal.doing = ""
        if name != STEPS[-1]:
            ways.records.write(journal)

    def _look_after_the_trial(self) -> None:
        """The deploy was interrupted: what has become of the new version meanwhile?"""
        if not self._ways.host.serves(self._journal.version):
            raise Failure("it did not run any more when the deploy was gone on with")
        # What was seen before the interruption is not known any more.
        self._journal.done = [name for name in self._journal.done if name not in ("smoke", "watch")]

    def _prepare(self) -> None:
        new = self._journal.new = self._ways.host.prepare(self._journal.ref)
        if new.schema > SCHEMA_VERSION:
            why = f"it writes documents of schema {new.schema}, and this checkout knows {SCHEMA_VERSION}"
            todo = f"Deploy it from a checkout of its own (`git checkout {new.short}`): only that could undo it."
            raise Failure(f"Version {new.short} is too new for this checkout", why, todo=todo)

    def _old(self) -> None:
        old, new = self._ways.host.present(), self._journal.version
        self._journal.old = old
        self._ways.say(f"  {old.short} runs, at {old.place}")
        if new.place == old.place:
            raise Failure(
                f"Version {new.short} runs already", todo="Name another one, or see `emini-rag deploy --log`."
            )
        if new.schema and new.schema < old.schema:
            why = f"it writes documents of schema {new.schema}, and these have {old.schema}"
            raise Failure(
                f"Version {new.short} cannot read the documents", why, todo="`emini-rag rollback` takes these back too."
            )

    def _measure(self) -> None:
        ways, live = self._ways, self._ways.live
        asked = modes(live.client, ways.questions)
        for question in (one for _ in range(ways.pace.rounds - 1) for one in ways.questions):
            ways.pause(1 / ways.pace.per_s)
            try:
                ask(live.client, question)
            except Failure:
                asked[question] = "failed"
        collected = Collected()
        collected.look(live)
        seen, usual = collected.seen(), ways.past.usual()
        self._journal.before = {
            "modes": asked,
            "openai": openai_works(live.client, ways.questions[0] if ways.questions else GREETING),
            "documents": sorted(live.document_ids()),
            "away": away(live.url),
            "seen": asdict(seen),
            "usual": {model: asdict(one) for model, one in usual.items()},
            "firing": sorted(ways.past.firing()),
        }
        known = f"Prometheus knows the past of {', '.join(usual)}" if usual else "Prometheus knows no past of a model"
        ways.say(f"  {seen.failed} of {count(seen.asked, 'request')} failed; {known}")
        for model, times in seen.times.items():
            ways.say(f"  {model}: {count(len(times), 'answer')}, mean {seconds(sum(times) / len(times))}")

    def _checkpoint(self) -> None:
        note = f"made before {self._journal.version.short} was deployed"
        self._ways.keep_state(self._journal.checkpoint, note, self._journal.version_before)

    def _up(self) -> None:
        ways, journal = self._ways, self._journal
        ways.records.log(
            ways.now(),
            "on trial",
            id=journal.id,
            ref=journal.ref,
            old=asdict(self._journal.version_before),
            new=asdict(self._journal.version),
            checkpoint=journal.checkpoint,
        )
        ways.host.up(self._journal.version, self._journal.version_before, uuid.uuid4().hex)
        journal.up_at = ways.now()
        ways.mark(self._journal.version.short, "up", journal.checkpoint)

    def _smoke(self) -> None:
        self._ways.check(self._journal.before, self._journal.checkpoint)

    def _watch(self) -> None:
        ways, journal = self._ways, self._journal
        watching = Watching(
            live=ways.live,
            past=ways.past,
            limits=ways.limits,
            alive=lambda: ways.host.serves(self._journal.version),
            before=Seen.of(journal.before["seen"]),
            usual={model: Usual(**one) for model, one in journal.before["usual"].items()},
            quiet=frozenset(journal.before["firing"]),
            clock=ways.making.clock,
            pause=ways.pause,
            say=ways.say,
        )
        judged = watching.watch(journal.up_at, journal.watch_s, ways.questions, ways.pace)
        self._decide(judged)

    def _decide(self, judged: Sequence[Judged]) -> None:
        for one in judged:
            self._ways.say(f"  {'BAD ' if one.bad else 'ok  '} {one.what}: {one.said}")
        bad = [f"{one.what}: {one.said}" for one in judged if one.bad]
        why = bad or [f"{one.what}: {one.said}" for one in judged]
        self._journal.verdict = {"keep": not bad, "why": why}
        self._ways.records.write(self._journal)
        if bad:
            raise Failure(bad[0])

    def _keep(self) -> None:
        ways, journal = self._ways, self._journal
        ways.host.confirm(self._journal.version, self._journal.version_before)
        with ways.making.archive.changing():
            ways.making.archive.pin(PIN, journal.checkpoint)
        self._end("kept", "kept", self._journal.version)
        for removed in ways.host.tidy([self._journal.version, self._journal.version_before]):
            ways.say(f"  removed the files of {removed}")

    def _say_again(self) -> None:
        verdict = self._journal.verdict
        self._ways.say(
            f"It was decided to {'keep' if verdict['keep'] else 'go back from'} {self._journal.version.short}: going on"
        )

    def _back(self) -> None:
        """The old version again. Raises `Failure` when that does not work, and can be called again."""
        ways, journal, old, new = self._ways, self._journal, self._journal.version_before, self._journal.version
        with suppress(Failure):  # on a full disk going back matters more than noting it
            ways.records.write(journal)
        ways.say(f"Version {new.short} is not kept: {journal.verdict['why'][0]}")
        ways.say(f"Going back to {old.short}")
        try:
            if new.schema > old.schema and "up" in (*journal.done, journal.doing):
                ways.say(f"  with the documents of {journal.checkpoint}: {new.short} writes a newer schema")
                ways.restore(journal.checkpoint, old, new, f"before-rollback-{journal.id}")
            if not ways.host.serves(old):
                ways.host.up(old, new, "")
            ways.host.confirm(old, new)
        except Failure as error:
            with suppress(Failure):
                ways.records.log(ways.now(), "could not go back", id=journal.id, why=_told(error))
            todo = "Mend what is told above, then run `emini-rag deploy --resume`."
            raise Failure(f"Going back to {old.short} failed: {error.what}", error.why, todo=todo) from error
        try:
            ways.check(journal.before, journal.checkpoint)
        except Failure as error:
            journal.verdict["why"] = [*journal.verdict["why"], f"and {old.short} is not as before: {error.what}"]
        self._end("rolled back", "rolled_back", old)

    def _end(self, event: str, marked: str, runs: Version) -> None:
        ways, journal = self._ways, self._journal
        ways.records.log(
            ways.now(),
            event,
            id=journal.id,
            ref=journal.ref,
            old=asdict(self._journal.version_before),
            new=asdict(self._journal.version),
            checkpoint=journal.checkpoint,
            verdict=journal.verdict["why"],
            note=journal.note,
        )
        ways.records.close()
        ways.mark(runs.short, marked, journal.checkpoint)


def told(name: str, journal: Journal) -> str:
    """What a step does, before it is done."""
    new = journal.new.short if journal.new else journal.ref[:12]
    old = journal.old.short if journal.old else "the version that runs"
    return {
        "prepare": f"make {new} ready beside what runs: its files, its packages or image; see that it can be started",
        "old": "see which version runs, and make sure that it can be come back to",
        "measure": f"ask {old} our questions, and note what is usual",
        "checkpoint": f"keep the whole state as checkpoint {journal.checkpoint}",
        "up": f"end {old}, start {new} on trial: if it ends, {old} comes back by itself",
        "smoke": f"see that {new} is ready, has every document, finds what was found, and answers on every route",
        "watch": f"watch {new} for {seconds(journal.watch_s)}: failures, and each model against its own past",
        "keep": f"keep {new}: from now on it is what comes up",
    }[name]


def _told(error: BaseException) -> str:
    if isinstance(error, KeyboardInterrupt):
        return "stopped by the one who began it"
    if isinstance(error, Failure):
        return ": ".join(filter(None, (error.what, error.why)))
    return f"{type(error).__name__}: {error}"
