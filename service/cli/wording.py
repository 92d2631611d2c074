"""Figures and texts for a terminal. Pure.

Text from documents, models and servers is made harmless first: a terminal obeys escape sequences wherever they come
from, and can be made to rewrite what was shown before.
"""

import re
import time

# Control characters but tab and newline; marks that reorder or hide what is read.
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
_SIZES = (("GiB", 1 << 30), ("MiB", 1 << 20), ("kiB", 1 << 10))
_SPANS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdw])")

# What each degraded mode means to the one who asked.
DEGRADED = {
    "no_embedder": "searched by keywords only: no embedding model is there (`emini-rag models pull`)",
    "chroma_unavailable": "searched by keywords only: the vector store is away",
    "llm_unreachable": "no language model could be reached (`emini-rag doctor` says what to do)",
    "model_unavailable": "no suitable language model is available (`emini-rag models list`)",
    "stepped_down": "another model than the wanted one answered",
    "cache_unavailable": "the answer cache's store is away: a kept answer may have been missed",
    "prompt_truncated": "the model did not see all passages: they exceed its context window",
    "output_truncated": "the answer was cut off at the token limit (`--max-tokens`)",
}


def plain(text: object) -> str:
    """The text without anything that a terminal would obey."""
    return _UNSAFE.sub("", str(text))


def seconds(value: float | None) -> str:
    """0.000123 -> "0.12 ms", 1.5 -> "1.50 s", 75 -> "1 min 15 s"; a dash for None."""
    if value is None:
        return "-"
    if value < 0.001:
        return f"{value * 1000:.2f} ms"
    if value < 1:
        return f"{value * 1000:.0f} ms" if value >= 0.01 else f"{value * 1000:.1f} ms"
    if value < 60:
        return f"{value:.2f} s" if value < 10 else f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def size(value: float) -> str:
    """Bytes in the largest unit that leaves a whole part."""
    for unit, bytes_each in _SIZES:
        if value >= bytes_each:
            return f"{value / bytes_each:.1f} {unit}"
    return f"{value:.0f} B"


def moment(at: float | None) -> str:
    """Unix seconds as local time; a dash for None."""
    return "-" if at is None else time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))


def count(number: int, thing: str) -> str:
    """1 file, 2 files."""
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


def span_s(text: str) -> float:
    """Seconds of "90d", "1h", "30m", "45s", "2w". Raises ValueError."""
    match = _SPAN.fullmatch(text.strip().lower())
    if match is None or float(match[1]) == 0:
        raise ValueError(f"{text!r} is no length of time; write it like 30m, 1h, 90d")
    return float(match[1]) * _SPANS[match[2]]


def part(stage: object) -> str:
    """A stage or a phase of one: "generate.prompt_eval" -> "generate: prompt eval"."""
    return plain(stage).replace("_", " ").replace(".", ": ")
