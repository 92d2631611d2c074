"""Messages as a span attribute, for those who switched content on: the GenAI conventions' JSON, always valid and small.

Tempo cuts attributes at 2,048 bytes, which would break the JSON, so it is kept below that here.
"""

import json
from collections.abc import Sequence

MAX_BYTES = 2000
_CUT = "…"

Said = Sequence[tuple[str, str]]


def messages_json(said: Said, *, finish: str | None = None, max_bytes: int = MAX_BYTES) -> str:
    """(role, content) pairs as JSON of at most `max_bytes` bytes: long contents are cut, at last old ones left out."""
    kept = list(said)
    while True:
        longest = max((len(content) for _, content in kept), default=0)
        if _size(kept, longest, finish) <= max_bytes:
            return _json(kept, longest, finish)
        if len(kept) <= 1 or _size(kept, 0, finish) <= max_bytes:
            return _json(kept, _most(kept, longest, finish, max_bytes), finish)
        kept.pop(0)


def _most(said: Said, longest: int, finish: str | None, max_bytes: int) -> int:
    """The largest number of characters per message that fits."""
    low, high = 0, longest
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if _size(said, middle, finish) <= max_bytes else (low, middle - 1)
    return low


def _size(said: Said, chars: int, finish: str | None) -> int:
    return len(_json(said, chars, finish).encode())


def _json(said: Said, chars: int, finish: str | None) -> str:
    messages: list[dict[str, object]] = []
    for role, content in said:
        text = content if len(content) <= chars else content[:chars] + _CUT
        message: dict[str, object] = {"role": role, "parts": [{"type": "text", "content": text}]}
        if finish is not None:
            message["finish_reason"] = finish
        messages.append(message)
    # A model can send half a surrogate pair, which no exporter can encode.
    return json.dumps(messages, ensure_ascii=False).encode("utf-8", "replace").decode()
