"""Drawings of a report as SVG elements: intervals of ratios, distributions, bars. Pure.

Colours are classes of the page's style. Nothing is told by colour alone, and each drawing says in words what it shows.
"""

from collections.abc import Callable, Sequence
from html import escape
from math import exp, log

from ops.compare.ranks import Floats
from ops.compare.times import Ratio
from service.cli.wording import plain, seconds

_LEFT, _RIGHT, _ROW, _TOP = 110, 20, 30, 14
_TICKS = (0.1, 0.2, 0.25, 0.33, 0.5, 0.67, 0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0, 3.0, 4.0, 5.0, 10.0)
# As wide as a telephone can show without making letters too small to read.
_WIDTH, _HEIGHT = 480, 210
_STEPS = 120
# What stands behind a bar, like "12 min 34 s candidate".
_BAR_WORDS = 150


def ratios(rows: Sequence[tuple[str, Ratio]], floor: float) -> str:
    """One line a row: the interval of candidate over baseline. The band is what is too small to matter."""
    if not rows:
        return ""
    low = min([1 / (1 + floor), *(ratio.low for _, ratio in rows)]) * 0.95
    high = max([1 + floor, *(ratio.high for _, ratio in rows)]) * 1.05
    height = _TOP + _ROW * len(rows) + 40

    def x(value: float) -> float:
        share = (log(value) - log(low)) / (log(high) - log(low))
        return _LEFT + min(1.0, max(0.0, share)) * (_WIDTH - _LEFT - _RIGHT)

    foot = _TOP + _ROW * len(rows)
    band = f'<rect class="band" x="{x(1 / (1 + floor)):.1f}" y="{_TOP}" width="{x(1 + floor) - x(1 / (1 + floor)):.1f}"'
    parts = [
        f'{band} height="{foot - _TOP}"/>',
        f'<line class="one" x1="{x(1):.1f}" y1="{_TOP}" x2="{x(1):.1f}" y2="{foot}"/>',
    ]
    for number, (name, ratio) in enumerate(rows):
        y = _TOP + _ROW * number + _ROW / 2
        parts += [
            _label(_LEFT - 10, y + 4, name, "end"),
            f'<line class="range" x1="{x(ratio.low):.1f}" y1="{y}" x2="{x(ratio.high):.1f}" y2="{y}"/>',
            f'<circle class="dot" cx="{x(ratio.value):.1f}" cy="{y}" r="5"/>',
        ]
    parts.append(f'<line class="axis" x1="{_LEFT}" y1="{foot}" x2="{_WIDTH - _RIGHT}" y2="{foot}"/>')
    for at in _apart([tick for tick in _TICKS if low <= tick <= high], x):
        parts.append(_label(x(at), foot + 16, f"{at:g}", "middle", "dim"))
    parts.append(_label(_LEFT, foot + 34, "← candidate is faster", "start", "dim"))
    parts.append(_label(_WIDTH - _RIGHT, foot + 34, "candidate is slower →", "end", "dim"))
    words = "; ".join(f"{name} {r.value:.2f}, from {r.low:.2f} to {r.high:.2f}" for name, r in rows)
    return _svg(height, f"Candidate's time over the baseline's, with 95 % intervals. {words}.", parts)


def distributions(title: str, baseline: Floats, candidate: Floats) -> str:
    """The share of answers within a time, for both: baseline drawn through, candidate dashed."""
    low = min(baseline.min(), candidate.min())
    high = max(baseline.max(), candidate.max(), low * 1.01)
    foot, left = _HEIGHT - 40, 50

    def x(value: float) -> float:
        return float(left + (log(value) - log(low)) / (log(high) - log(low)) * (_WIDTH - left - _RIGHT))

    parts = [_label(left, 12, f"{title}: answers within a time", "start")]
    for share in (0.0, 0.5, 1.0):
        y = foot - share * (foot - 24)
        parts += [
            f'<line class="axis" x1="{left}" y1="{y:.1f}" x2="{_WIDTH - _RIGHT}" y2="{y:.1f}"/>',
            _label(left - 6, y + 4, f"{share:.0%}", "end", "dim"),
        ]
    for name, values in (("base", baseline), ("cand", candidate)):
        points = []
        for step in range(_STEPS + 1):
            at = exp(log(low) + (log(high) - log(low)) * step / _STEPS)
            points.append(f"{x(at):.1f},{foot - float((values <= at * (1 + 1e-9)).mean()) * (foot - 24):.1f}")
        parts.append(f'<polyline class="{name}" points="{" ".join(points)}"/>')
    middle = exp((log(low) + log(high)) / 2)
    for at, side in ((low, "start"), (middle, "middle"), (high, "end")):
        parts.append(_label(x(at), foot + 16, seconds(float(at)), side, "dim"))
    parts.append(_label(left, foot + 34, "—— baseline   - - - candidate", "start", "dim"))
    return _svg(_HEIGHT, f"Share of answers of {title} within a time, baseline and candidate.", parts)


def bars(title: str, rows: Sequence[tuple[str, float, float]]) -> str:
    """Two bars a row, in seconds: baseline above candidate."""
    longest = max((max(b, c) for _, b, c in rows), default=0.0) or 1.0
    room, height = _WIDTH - _LEFT - _BAR_WORDS, _TOP + 36 * len(rows) + 26
    parts = [_label(0, 12, title, "start")]
    for number, (name, *both) in enumerate(rows):
        y = _TOP + 10 + 36 * number
        parts.append(_label(_LEFT - 10, y + 17, name, "end"))
        for at, (kind, value) in enumerate(zip(("base", "cand"), both, strict=True)):
            wide = max(1.0, value / longest * room)
            parts.append(f'<rect class="{kind}fill" x="{_LEFT}" y="{y + 13 * at}" width="{wide:.1f}" height="11"/>')
            word = f"{seconds(value)} {'baseline' if kind == 'base' else 'candidate'}"
            parts.append(_label(_LEFT + wide + 5, y + 13 * at + 9.5, word, "start", "dim"))
    words = "; ".join(f"{name} {seconds(b)} and {seconds(c)}" for name, b, c in rows)
    return _svg(height, f"{title}. Mean seconds of baseline and candidate: {words}.", parts)


def _apart(ticks: list[float], place: Callable[[float], float], least: float = 44.0) -> list[float]:
    """Those whose labels do not meet; 1 always."""
    kept = [tick for tick in ticks if tick == 1.0]
    for tick in ticks:
        if all(abs(place(tick) - place(other)) >= least for other in kept):
            kept.append(tick)
    return sorted(kept)


def _label(x: float, y: float, text: str, anchor: str, kind: str = "") -> str:
    style = f' class="{kind}"' if kind else ""
    return f'<text{style} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(plain(text))}</text>'


def _svg(height: float, words: str, parts: Sequence[str]) -> str:
    told = escape(plain(words))
    head = f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {_WIDTH} {height:g}" width="{_WIDTH}"'
    return f'{head} aria-label="{told}"><title>{told}</title>{"".join(parts)}</svg>'
