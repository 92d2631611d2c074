"""What a long command says while it works: steps, and bars with sizes where a terminal shows them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from ops.checkpoint.files import OnBytes
from service.cli.wording import plain, seconds, size
from service.clock import Clock


class Screen:
    """Writes to `console`, which is standard error. `durations` holds the seconds of each step that had a name."""

    def __init__(self, console: Console, clock: Clock) -> None:
        self._console = console
        self._clock = clock
        self.durations: dict[str, float] = {}

    def say(self, text: str) -> None:
        """A terminal that is gone is no reason to stop in the middle."""
        with suppress(OSError):
            self._console.print(plain(text), soft_wrap=True)

    @contextmanager
    def step(self, name: str, text: str) -> Iterator[None]:
        """Tell what is done before it is done, and how long it took after it."""
        self.say(f"{text} ...")
        began = self._clock.monotonic()
        yield
        self.durations[name] = took = self._clock.monotonic() - began
        self.say(f"  {seconds(took)}")

    @contextmanager
    def bar(self, text: str, total: int) -> Iterator[OnBytes]:
        """A bar over bytes while the block runs; a line afterwards where nobody watches."""
        done = 0

        def count(more: int) -> None:
            nonlocal done
            done += more

        if not self._console.is_terminal:
            yield count
            self.say(f"  {text}: {size(done)}")
            return
        columns = (
            TextColumn("  {task.description}"),
            BarColumn(),
            DownloadColumn(binary_units=True),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=self._console) as progress:
            task = progress.add_task(text, total=max(total, 1))
            shown: Callable[[int], None] = lambda more: progress.update(task, advance=more)  # noqa: E731
            yield shown
