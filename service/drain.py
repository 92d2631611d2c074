"""The way out: first no new work and no readiness, then, after a bounded time, the end of what still runs."""

from collections.abc import Callable


class Drain:
    """Implements `Draining`. Lives in one event loop; `begin` alone may be called from a signal handler, and calls
    `on_begin` there, once."""

    def __init__(self, on_begin: Callable[[], None] = lambda: None) -> None:
        self._on_begin = on_begin
        self._draining = False
        self._over = False
        self._cuts: set[Callable[[], None]] = set()

    @property
    def draining(self) -> bool:
        return self._draining

    def begin(self) -> None:
        """From now on the service is not ready and refuses new questions; running ones go on."""
        if not self._draining:
            self._draining = True
            self._on_begin()

    def on_cut(self, cut: Callable[[], None]) -> Callable[[], None]:
        """See `Draining.on_cut`. Who comes after the end is cut at once."""
        if self._over:
            cut()
        else:
            self._cuts.add(cut)
        return lambda: self._cuts.discard(cut)

    def end(self) -> None:
        """The time is over: every running answer is told to stop, once."""
        self._draining = self._over = True
        cuts, self._cuts = self._cuts, set()
        for cut in cuts:
            cut()
