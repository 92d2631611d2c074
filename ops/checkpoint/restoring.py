"""Going back to a checkpoint: verified, laid beside, exchanged by renames, asked; else the state before it is back.

Until the exchange begins nothing that is in use is touched. From then on a journal says what was begun
(service/store_swap.py): a kill at any point leaves the old state or the new one, and the same command goes on.
"""

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from ops.checkpoint.creating import Making, Wish
from ops.checkpoint.inspection import CLONE, inspect
from ops.checkpoint.manifest import STORE, VECTORS, Manifest
from ops.checkpoint.verifying import known_answers, verify
from service.cli.failures import Failure
from service.cli.wording import size
from service.store_swap import Phase

IN_USE = "in use"
_LEFT_FREE = 64 << 20


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

    def restore(self, name: str) -> Manifest:
        """Within the archive's lock. Raises `Failure`; the documents are then those of before."""
        folder = self.archive.path(name)
        if self.recover() == name:
            return Manifest.read(folder)
        # Before what takes long: nothing that is in use is touched, so it is known now whether it can be done at all.
        self.installation.require_stoppable()
        manifest, _ = verify(folder, self.screen)
        self._stage(folder, manifest)
        stopped = self._stop()
        try:
            with self.installation.store.exclusive():
                self._keep_today()
                with self.screen.step("exchange", "exchanging the documents"):
                    self.installation.store.begin(name)
                    self.installation.store.advance()
        except BaseException:
            self._after_failure(start=stopped)
            raise
        self._confirm(folder, start=stopped)
        self._done(manifest)
        return manifest

    def recover(self) -> str | None:
        """Bring an interrupted exchange to its end. The checkpoint whose state is used then; None when there was
        nothing to do, or the old state is used. Raises `Failure`."""
        journal = self.installation.store.journal()
        if journal is None:
            return None
        self.screen.say(f"A restore of {journal.checkpoint} was interrupted: bringing it to its end")
        if journal.phase is not Phase.PLACED:
            self.installation.require_stoppable()
            self.installation.stop()
            with self.installation.store.exclusive():
                self.installation.store.advance()
        journal = self.installation.store.journal()
        if journal is None:
            self.screen.say("  it had been given up: the documents are those of before")
            return None
        folder = self.archive.folder / journal.checkpoint
        if not folder.is_dir():
            # Nothing to ask it; it is whole all the same, for every file was compared before it was moved.
            self._settle()
            return journal.checkpoint
        start = not self.installation.serving() and self.installation.startable()
        self._confirm(folder, start=start)
        self._done(Manifest.read(folder))
        return journal.checkpoint

    def _stage(self, folder: Path, manifest: Manifest) -> None:
        store = self.installation.store
        look = store.look()
        staged = sum(one.size for name, one in manifest.files.items() if name.startswith(f"{STORE}/"))
        needed = staged + (look.size if self.keep_today is not None else 0) + _LEFT_FREE
        if look.free < needed:
            why = f"{size(needed)} are needed beside the documents, and {size(look.free)} are free"
            raise Failure("There is not enough space to restore it", why)
        with (
            self.screen.step("stage", "laying it beside the present documents"),
            self.screen.bar("copied", staged) as on_bytes,
        ):
            store.stage(folder, on_bytes)

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

    def _confirm(self, folder: Path, *, start: bool) -> None:
        """Start, and ask what was asked then; back to the state before when it does not answer."""
        answers = known_answers(folder)
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
            self.screen.say("It does not work as it did: going back to the documents of before")
            self._go_back(start=start)
            if isinstance(error, Failure):
                todo = "The documents are those of before."
                raise Failure(f"{folder.name} was not restored: {error.what}", error.why, todo=todo) from error
            raise
        self._settle()

    def _ask_live(self, answers: dict[str, object]) -> None:
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

    def _ask_in_place(self, answers: dict[str, object]) -> None:
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
            self.installation.start()

    def _after_failure(self, *, start: bool) -> None:
        """Whatever failed: with a journal the old state is put back, without one it never moved."""
        if self.installation.store.journal() is not None:
            with self.installation.store.exclusive():
                self.installation.store.turn_back()
        if start:
            self.installation.start()

    def _settle(self) -> None:
        """The service does not look at what waits beside it."""
        self.installation.store.settle()

    def _done(self, manifest: Manifest) -> None:
        self.archive.pin(IN_USE, manifest.name)


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
