"""The way back: which version and which documents, told first; then done, step by step.

A plan that was begun is kept until it has ended: the same command goes on with it.
"""

import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ops.checkpoint.archive import Archive
from ops.checkpoint.manifest import Damaged, Manifest
from ops.rollout.deploying import Ways
from ops.rollout.host import Host
from ops.rollout.journal import Records
from ops.rollout.pointer import Version
from ops.rollout.readiness import away
from ops.rollout.smoke import GREETING, openai_works
from service.cli.failures import USAGE, Failure
from service.cli.wording import moment
from service.whole_file import sync_folder

_PLAN = "rollback.json"
_KEPT = "kept"


@dataclass(frozen=True)
class Plan:
    """From `now` to `target`. `checkpoint` names the state of the documents to go back to, empty when they stay as they
    are; `kept` is what the present state is kept as."""

    id: str
    now: Version
    target: Version
    checkpoint: str
    kept: str
    because: str

    def told(self) -> list[str]:
        """In words, before anything is done."""
        lines = [f"version: {self.now.short} -> {self.target.short} ({self.because})"]
        if self.checkpoint:
            lines.append(f"documents: those of checkpoint {self.checkpoint}; what was added since is in {self.kept}")
        else:
            lines.append("documents: stay as they are")
        return [
            *lines,
            f"first the present state is kept as checkpoint {self.kept}",
            "then the service is exchanged, and must be ready, find and answer; else the version of now comes back",
        ]


class Planner:
    """Finds out what the way back is."""

    def __init__(self, host: Host, records: Records, archive: Archive) -> None:
        self._host = host
        self._records = records
        self._archive = archive

    def begun(self) -> Plan | None:
        """One that did not end."""
        path = self._records.folder / _PLAN
        try:
            told = json.loads(path.read_bytes())
            return Plan(now=Version.known(told.pop("now")), target=Version.known(told.pop("target")), **told)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise Failure(f"{path} cannot be read", todo="Remove it, and begin again.") from error

    def plan(self, name: str, *, id: str, documents: bool) -> Plan:  # noqa: A002 # the word for it in the log
        """Raises `Failure` when there is no way back, or when it would need documents that nobody has kept."""
        now = self._host.present()
        target, checkpoint, because = self._named(name) if name else self._last(now)
        newer = bool(target.schema) and now.schema > target.schema
        if newer or documents:
            self._require(checkpoint, target)
        if target.place == now.place and not documents:
            raise Failure(f"Version {target.short} runs already", todo="Documents alone: --documents.", code=USAGE)
        if newer:
            because += f"; it reads documents of schema {target.schema}, and these may have {now.schema}"
        return Plan(id, now, target, checkpoint if newer or documents else "", f"before-{id}", because)

    def _last(self, now: Version) -> tuple[Version, str, str]:
        for entry in reversed(self._records.logged()):
            if entry["event"] == _KEPT and entry["new"]["place"] == now.place:
                return self._of(entry)
        todo = "Name a checkpoint (`emini-rag checkpoint list`), or deploy the version that you want."
        raise Failure("Nothing was deployed here that could be taken back", todo=todo, code=USAGE)

    def _named(self, name: str) -> tuple[Version, str, str]:
        for entry in reversed(self._records.logged()):
            if entry["event"] == _KEPT and name in (entry["id"], entry["checkpoint"]):
                return self._of(entry)
        manifest = self._manifest(name)
        if manifest.code is None:
            raise Failure(f"Checkpoint {name} does not say of which version it is", code=USAGE)
        if manifest.code.get("dirty"):
            why = "it was made with changed files, which no commit holds"
            raise Failure(f"The version of checkpoint {name} cannot be had", why, todo=f"See {name}/code.patch.")
        version = self._host.prepare(str(manifest.code["commit"]))
        return version, name, f"as checkpoint {name} says"

    def _of(self, entry: dict[str, Any]) -> tuple[Version, str, str]:
        old = Version.known(entry["old"])
        place = Path(old.place)
        if old.commit and place.is_absolute() and not place.is_dir():
            # Its files have been removed since.
            old = self._host.prepare(old.commit)
        return old, str(entry["checkpoint"]), f"what ran before {entry['id']}, {moment(float(entry['at']))}"

    def _require(self, name: str, target: Version) -> None:
        if not name:
            raise Failure(f"Version {target.short} cannot read the documents, and no older state is known", code=USAGE)
        written = self._manifest(name).schema.get("corpus", 0)
        if target.schema and written > target.schema:
            why = f"checkpoint {name} has schema {written}, and version {target.short} reads {target.schema}"
            raise Failure(f"There are no documents that version {target.short} can read", why, code=USAGE)

    def _manifest(self, name: str) -> Manifest:
        try:
            return Manifest.read(self._archive.path(name))
        except Damaged as error:
            raise Failure(f"Checkpoint {name} is damaged", error.faults[0], lines=error.faults[1:]) from error


class Returning:
    """Carries a plan out. Done again after any interruption, it goes on."""

    def __init__(self, ways: Ways, plan: Plan) -> None:
        self._ways = ways
        self._plan = plan

    def run(self) -> None:
        """Raises `Failure`; the version and the documents of before are then in use, or it says which step to mend."""
        ways, plan = self._ways, self._plan
        ways.records.put(_PLAN, asdict(plan))
        with ways.making.screen.step("checkpoint", f"1/3 keep the present state as checkpoint {plan.kept}"):
            ways.keep_state(plan.kept, f"made before going back to {plan.target.short}", plan.now)
        before = self._seen()
        try:
            with ways.making.screen.step("up", f"2/3 exchange {plan.now.short} for {plan.target.short}"):
                if plan.checkpoint and not ways.host.serves(plan.target):
                    ways.restore(plan.checkpoint, plan.target, plan.now, plan.kept)
                elif plan.checkpoint:
                    ways.restore(plan.checkpoint, plan.target, plan.target, plan.kept)
                if not ways.host.serves(plan.target):
                    ways.host.up(plan.target, plan.now, "")
                ways.host.confirm(plan.target, plan.now)
            with ways.making.screen.step("smoke", "3/3 see that it is ready, finds and answers"):
                ways.check(before, plan.checkpoint or plan.kept)
        except Failure as error:
            self._undo(error)
        self._end("rollback")
        ways.mark(plan.target.short, "rollback", plan.kept)

    def _seen(self) -> dict[str, Any]:
        """What has to be there afterwards too. What runs may be what is broken: then nothing is known."""
        live, before = self._ways.live, dict[str, Any]()
        with suppress(Failure):
            before["away"] = away(live.url)
            before["openai"] = openai_works(live.client, GREETING)
            if not self._plan.checkpoint:
                before["documents"] = sorted(live.document_ids())
        return before

    def _undo(self, error: Failure) -> None:
        """The version of now again, unless the documents are already those of then: then it is for people."""
        ways, plan = self._ways, self._plan
        if plan.checkpoint and ways.host.serves(plan.target):
            todo = f"The version and the documents of then are in use. The state of before is checkpoint {plan.kept}."
            self._end("rollback")
            raise Failure(f"It is rolled back, and not well: {error.what}", error.why, todo=todo) from error
        ways.say(f"{plan.target.short} does not work: going back to {plan.now.short}")
        if not ways.host.serves(plan.now):
            ways.host.up(plan.now, plan.target, "")
        ways.host.confirm(plan.now, plan.target)
        self._end("rollback failed", error.what)
        todo = f"Version {plan.now.short} runs again, with its documents."
        raise Failure(f"It was not rolled back: {error.what}", error.why, lines=error.lines, todo=todo) from error

    def _end(self, event: str, why: str = "") -> None:
        ways, plan = self._ways, self._plan
        ways.records.log(
            ways.now(),
            event,
            id=plan.id,
            old=asdict(plan.now),
            new=asdict(plan.target),
            checkpoint=plan.kept,
            documents=plan.checkpoint,
            verdict=[why or plan.because],
        )
        (ways.records.folder / _PLAN).unlink(missing_ok=True)
        sync_folder(ways.records.folder)
