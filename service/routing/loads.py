"""How long a cold model takes to load: measured where it was seen, guessed from its size where not.

Seconds throughout. The guess assumes a disk of 1 GB/s: reports range from 0.1 GB/s (a tired SSD) to 2.4 GB/s (page
cache), and the first real load replaces it.
"""

GUESSED_BYTES_PER_S = 1e9
GUESSED_UNKNOWN_S = 10.0
_NEWEST = 0.5


class LoadTimes:
    """Remembers load times per model as a moving average that halves the past at each load: models load seldom, and
    the last load tells most about the next. One writer, any readers; nothing blocks."""

    def __init__(self) -> None:
        self._usual_s: dict[str, float] = {}

    def note(self, model: str, load_s: float) -> None:
        """Take in one load that was really seen; figures that are not positive are left out."""
        if load_s <= 0:
            return
        before = self._usual_s.get(model, load_s)
        self._usual_s[model] = before + _NEWEST * (load_s - before)

    def estimate(self, model: str, size_bytes: int) -> float:
        """Seconds to expect for the next load of `model`."""
        guess = size_bytes / GUESSED_BYTES_PER_S if size_bytes > 0 else GUESSED_UNKNOWN_S
        return self._usual_s.get(model, guess)

    def known(self) -> dict[str, float]:
        """The usual seconds of every model whose load was seen."""
        return dict(self._usual_s)
