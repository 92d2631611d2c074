"""Going back to a checkpoint: verified, laid beside, exchanged by renames, asked; else the state before it is back.

Until the exchange begins nothing that is in use is touched. From then on a journal says what was begun
(service/store_swap.py): a kill at any point leaves the old state or the new one, and the same command goes on.
"""

import shutil
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ops.checkpoint.creating import Making, Wish
from ops.checkpoint.files import free_bytes
from ops.checkpoint.inspection import CLONE, inspect
from ops.checkpoint.manifest import STORE, VECTORS, Manifest
from ops.checkpoint.store import Look
from ops.checkpoint.verifying import known_answers, read, verify
from service.cli.failures import USAGE, Failure
from service.cli.wording import size
from service.errors import ErrorKind
from service.store_swap import Phase

IN_USE = "in use"
_LEFT_FREE = 64 << 20
# How long a look at the running service may take.
_ASK_S = 5.0


@dataclass
class Restoring:
    """What restoring takes: that which makes checkpoints of the same installation.

    `ready_s` is how long it may take to be ready. `keep_today` names the checkpoint that is made of the present state
    first; None makes none.
    """

    making: Making
    ready_s: float = 180.0
    keep_today: str | None = None

    def __post_init__(self) -> None:
        self.archive = self.making.archive
        self.installation = self.making.installation
        self.live = self.making.live
        self.screen = self.making.screen
        self._began = self.making.clock.monotonic()

    def restore(self, name: str) -> Manifest:
        """Within the archive's lock. Raises `Failure`; the documents are then those of before."""
        folder = self.archive.path(name)
        if self._finish() == (name, True):
            return read(folder)
        # Before what takes long: nothing that is in use is touched, so it is known now whether it can be done at all.
        self.installation.require_stoppable()
        manifest, _ = verify(folder, self.screen)
        self._stage(folder, manifest)
        answers, stopped = known_answers(folder), self.installation.serving()
        try:
            stopped = self._stop()
            with self.installation.store.exclusive():
                self._keep_today()
                with self.screen.step("exchange", "exchanging the documents"):
                    self.installation.store.begin(name)
                    self.installation.store.advance()
        except BaseException:
            self._after_failure(start=stopped)
            raise
        self._confirm(name, answers, start=stopped)
        self._done(manifest)
        return manifest

    def recover(self) -> str | None:
        """Bring an interrupted exchange to its end. The checkpoint whose state is used then; None when there was
        nothing to do, or the old state is used. Raises `Failure`."""
        return self._finish()[0]

    def _finish(self) -> tuple[str | None, bool]:
        """The same, and whether nobody has changed the documents since they were exchanged."""
        installation, store = self.installation, self.installation.store
        journal = store.journal()
        if journal is None:
            return None, False
        self.screen.say(f"A restore of {journal.checkpoint} was interrupted: bringing it to its end")
        stopped = False
        if journal.phase is not Phase.PLACED:
            installation.require_stoppable()
            stopped = installation.stop()
            with store.exclusive():
                store.advance()
            journal = store.journal()
        start = stopped or (not installation.serving() and installation.startable())
        if journal is None:
            self.screen.say("  it had been given up: the documents are those of before")
            if start:
                installation.start()
            return None, False
        folder = self.archive.folder / journal.checkpoint
        try:
            manifest, answers = read(folder), known_answers(folder)
        except (Failure, OSError, ValueError):
            # Nothing to ask; what was placed is whole, for every file was compared before it was moved.
            manifest, answers = None, {}
        unchanged = manifest is not None and store.version() == manifest.corpus.get("version")
        if not unchanged:
            # To go back now would lose what a service has taken in since.
            self.screen.say("  its documents are in place, and may have been changed since: they stay as they are")
            store.settle()
            if start:
                installation.start()
        else:
            self._confirm(journal.checkpoint, answers, start=start)
        if manifest is not None:
            self._done(manifest)
        return journal.checkpoint, unchanged

    def require_right_service(self) -> None:
        """What else would show only after it was stopped and started: the address of another service, or no key. One
        that is ill is no reason not to go back. Raises `Failure`."""
        if not self.installation.serving():
            return
        try:
            with self.live.held(_ASK_S, _ASK_S) as held:
                self.making.require_same(held, self.installation.store.look())
        except Failure as error:
            if error.code == USAGE or error.kind in (ErrorKind.UNAUTHORIZED, ErrorKind.FORBIDDEN):
                raise
            self.screen.say(f"  the service does not answer as it should, going on all the same: {error.what}")

    def _stage(self, folder: Path, manifest: Manifest) -> None:
        store = self.installation.store
        look = store.look()
        staged = sum(one.size for name, one in manifest.files.items() if name.startswith(f"{STORE}/"))
        self._require_space(staged, look)
        with (
            self.screen.step("stage", "laying it beside the present documents"),
            self.screen.bar("copied", staged) as on_bytes,
        ):
            store.stage(folder, on_bytes)

    def _require_space(self, staged: int, look: Look) -> None:
        """Before anything is stopped. The present state is kept in the archive, which may be on another disk."""
        kept = look.size if self.keep_today is not None and look.identity else 0
        shared = look.identity.partition(":")[0] == str(self.archive.folder.stat().st_dev)
        for needed, free, where in (
            (staged + (kept if shared else 0), look.free, "beside the documents"),
            (kept, free_bytes(self.archive.folder), f"in {self.archive.folder}, for the present state"),
        ):
            if needed and free < needed + _LEFT_FREE:
                why = f"{size(needed + _LEFT_FREE)} are needed {where}, and {size(free)} are free"
                raise Failure("There is not enough space to restore it", why)

    def _stop(self) -> bool:
        with self.screen.step("stop", "stopping what uses the documents"):
            return self.installation.stop()

    def _keep_today(self) -> None:
        """After the stop: so nothing that was acknowledged is missing in it."""
        if self.keep_today is None or not self.installation.store.look().identity:
            return
        self.screen.say(f"Keeping the present state as {self.keep_today}:")
        try:
            self.making.create(Wish(self.keep_today, note="made before a restore", tag=False), alone=True)
        except Failure as error:
            todo = (
                "Nothing was touched. If the present state is what is broken, go on with --without-pre-checkpoint: it "
                "is then gone once the restore has succeeded."
            )
            raise Failure(error.what, error.why, lines=error.lines, todo=todo) from error

    def _confirm(self, name: str, answers: Mapping[str, object], *, start: bool) -> None:
        """Start, and ask what was asked then; back to the state before when it does not answer."""
        try:
            if start:
                with self.screen.step("start", "starting the service"):
                    self.installation.start()
                    self.live.await_ready(self.ready_s)
            with self.screen.step("answers", "asking what was asked when it was made"):
                if self.installation.serving():
                    self._ask_live(answers)
                else:
                    self._ask_in_place(answers)
        except BaseException as error:
            self.screen.say(f"It does not work as it did ({error}): going back to the documents of before")
            self._go_back(start=start)
            self._note(name, went_back=True)
            if isinstance(error, Failure):
                todo = "The documents are those of before."
                raise Failure(f"{name} was not restored: {error.what}", error.why, todo=todo) from error
            raise
        self.installation.store.settle()
        self._note(name, went_back=False)

    def _note(self, name: str, *, went_back: bool) -> None:
        """A span of the service's. One that does not run, or is older than this, has none."""
        took_s = self.making.clock.monotonic() - self._began
        if self.installation.serving():
            with suppress(Failure):
                self.live.note_restore(name, took_s, went_back=went_back)

    def _ask_live(self, answers: Mapping[str, object]) -> None:
        """A document that its folder no longer holds may be gone again by now, and new ones may come before."""
        questions = [one for one in _list(answers["questions"]) if isinstance(one, dict)]
        found = self.live.search(questions, int(str(answers["top_k"])))
        there = self.live.document_ids()
        wrong = [
            number
            for number, (question, now) in enumerate(zip(questions, found, strict=True), start=1)
            if question["found"][0] not in now and question["document"] in there
        ]
        if wrong:
            why = f"known question {wrong[0]}, and {len(wrong) - 1} more, of {len(questions)}"
            raise Failure("The service does not find what the checkpoint found", why)
        self.screen.say(f"  {len(questions)} known questions are answered as then")

    def _ask_in_place(self, answers: Mapping[str, object]) -> None:
        """A copy of what is in place now: to open it is to change it."""
        clone = Path(tempfile.mkdtemp(prefix=CLONE, dir=self.archive.folder))
        try:
            with self.installation.store.exclusive():
                self.installation.store.copy(clone / STORE, caches=False)
            vectors = clone / STORE / VECTORS
            found = inspect(clone / STORE, vectors if vectors.is_dir() else None, answers)
        finally:
            shutil.rmtree(clone, ignore_errors=True)
        if found.problems:
            raise Failure("The restored documents do not answer as they did", found.problems[0])
        self.screen.say(f"  {len(found.questions)} known questions are answered as then")

    def _go_back(self, *, start: bool) -> None:
        if start or self.installation.serving():
            self.installation.stop()
        with self.installation.store.exclusive():
            self.installation.store.turn_back()
        if start:
            self._start_again()

    def _after_failure(self, *, start: bool) -> None:
        """Whatever failed: with a journal the old state is put back, without one it never moved."""
        if self.installation.store.journal() is not None:
            with self.installation.store.exclusive():
                self.installation.store.turn_back()
        if start and not self.installation.serving():
            self._start_again()

    def _start_again(self) -> None:
        """What failed first is what is told at the end, not that this failed too."""
        try:
            self.installation.start()
        except Failure as error:
            self.screen.say(f"The service does not run, for it could not be started again: {error.what}. {error.why}")

    def _done(self, manifest: Manifest) -> None:
        self.archive.pin(IN_USE, manifest.name)


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
