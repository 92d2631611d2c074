"""Where a version runs: what a deploy needs of it, natively (`native.py`) and in Docker (`in_docker.py`)."""

from typing import Protocol

from ops.checkpoint.installation import Installation
from ops.rollout.pointer import Version


class Host(Protocol):
    """One installation. Raises `Failure`."""

    @property
    def label(self) -> str: ...

    @property
    def installation(self) -> Installation:
        """For checkpoints of it. What it starts is the version that was last pointed to."""
        ...

    def glance(self) -> str:
        """Which version runs, in words. Changes nothing."""
        ...

    def present(self) -> Version:
        """The version in use, made so that it can be come back to whatever happens to the checkout."""
        ...

    def prepare(self, ref: str) -> Version:
        """A version made ready to run. Touches nothing that runs; done again, it goes on where it was."""
        ...

    def up(self, version: Version, before: Version, trial: str) -> None:
        """Exchange what runs for it, and wait until it is ready. With a `trial`, what comes up again by itself is
        `before`. `Failure` when it does not come up."""
        ...

    def confirm(self, version: Version, before: Version) -> None:
        """The trial is over: it is what comes up from now on."""
        ...

    def point(self, version: Version, before: Version) -> None:
        """What is started next, without starting it."""
        ...

    def serves(self, version: Version) -> bool:
        """Whether that version runs now."""
        ...

    def last_words(self) -> list[str]:
        """The end of what it said, as far as that can be read."""
        ...

    def tidy(self, kept: list[Version]) -> list[str]:
        """Remove old versions; what was removed, in words."""
        ...
