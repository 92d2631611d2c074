"""An entry as bytes for a store outside this process: a checksum, a line of JSON, the payload. Nothing in it can run.

The checksum finds what the store does not: SQLite has none on its pages, and a shared server may hold other people's
values under our key.
"""

import hashlib
import json

from service.cache.port import CacheEntry

_CHECK_BYTES = 8


def pack(entry: CacheEntry) -> bytes:
    """The form kept in SQLite and Valkey."""
    head = [entry.created_at, entry.ttl_s, entry.cost_s, entry.origin_trace_id, entry.origin_span_id]
    body = json.dumps(head).encode() + b"\n" + entry.payload
    return _check(body) + body


def unpack(value: bytes) -> CacheEntry:
    """Raises `ValueError` for anything that `pack` did not write, or that has changed since."""
    body = value[_CHECK_BYTES:]
    if value[:_CHECK_BYTES] != _check(body):
        raise ValueError("a stored entry does not match its checksum")
    head, _, payload = body.partition(b"\n")
    created_at, ttl_s, cost_s, trace_id, span_id = json.loads(head)
    return CacheEntry(payload, float(created_at), float(ttl_s), float(cost_s), str(trace_id), str(span_id))


def _check(body: bytes) -> bytes:
    return hashlib.blake2b(body, digest_size=_CHECK_BYTES).digest()
