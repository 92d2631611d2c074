"""An installation for deploys without processes: versions are words, and what happens to them is logged."""

from collections.abc import Callable
from typing import Any

from ops.checkpoint.installation import Installation
from ops.rollout.deploying import Ways
from ops.rollout.pointer import Version
from service.cli.failures import Failure

OLD, NEW = Version("a" * 40, "/versions/a", 1), Version("b" * 40, "/versions/b", 1)


class FakeHost:
    """As `ops.rollout.host.Host`. `fails` names a version that does not come up; `calls` says what was done. `comes_up`
    is called with every version that does."""

    label = "fake installation"
    installation: Installation

    def __init__(self) -> None:
        self.runs = OLD
        self.kept = OLD
        self.prepared = NEW
        self.fails: set[str] = set()
        self.calls: list[str] = []
        self.comes_up: Callable[[Version], None] = lambda _: None

    def glance(self) -> str:
        return self.runs.short

    def present(self) -> Version:
        return self.kept

    def prepare(self, ref: str) -> Version:
        self.calls.append("prepare")
        if ref in self.fails:
            raise Failure("The new version cannot be started", "no such module")
        return self.prepared

    def up(self, version: Version, before: Version, trial: str) -> None:
        self.calls.append(f"up {version.place}{' on trial' if trial else ''}")
        if version.place in self.fails:
            self.runs = before if trial else version
            raise Failure(f"Version {version.short} ended while it started")
        self.runs = version
        self.comes_up(version)

    def confirm(self, version: Version, before: Version) -> None:
        self.calls.append(f"confirm {version.place}")
        self.kept = version

    def point(self, version: Version, before: Version) -> None:
        self.calls.append(f"point {version.place}")
        self.kept = version

    def serves(self, version: Version) -> bool:
        return self.runs == version

    def last_words(self) -> list[str]:
        return []

    def tidy(self, kept: list[Version]) -> list[str]:
        return ["0123456789ab"]


class FakeWays(Ways):
    """`Ways` whose checkpoints are names alone. `states` are those kept, `restored` those gone back to; a name in
    `unrestorable` cannot be."""

    states: list[str]
    restored: list[str]
    unrestorable: set[str]

    @classmethod
    def made(cls, **parts: Any) -> "FakeWays":
        made = cls(**parts)
        made.states, made.restored, made.unrestorable = [], [], set()
        return made

    def keep_state(self, name: str, note: str, version: Version) -> None:
        if name not in self.states:
            self.states.append(name)

    def restore(self, name: str, target: Version, other: Version, keep_today: str) -> None:
        if name in self.unrestorable:
            raise Failure(f"{name} was not restored")
        self.states.append(keep_today)
        self.restored.append(name)
        self.host.up(target, other, "")
