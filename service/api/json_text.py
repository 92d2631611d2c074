"""Values as JSON text: the one writer of every reply and event."""

import json
from typing import Any

import orjson


def to_json(value: Any) -> bytes:
    """UTF-8, compact. Enums are their values; NaN and infinities, which JSON does not have, become null. A text that is
    no valid Unicode (a model can write half a surrogate pair) is escaped instead of failing the reply."""
    try:
        return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS)
    except TypeError:
        return json.dumps(value, separators=(",", ":"), allow_nan=False).encode()
