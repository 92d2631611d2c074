"""API keys: made, checked, revoked. A key is shown once, when it is made; only its SHA-256 is kept.

A token is `erag_<id>_<secret>` with 256 random bits of secret, so a plain hash is enough, and costs about a
microsecond. Thread-safe. What another process creates or revokes is seen within `_LOOK_EVERY_S`.

When the file becomes unusable while the service runs, the keys known before stay valid and a warning is logged; at
start it is an error.
"""

import hashlib
import hmac
import logging
import secrets
import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from service.auth.key_file import FileStamp, KeyFileUnusable, KeyRecord, read_keys, stamp_of, write_keys, writing
from service.auth.principal import Principal, Scope
from service.clock import Clock
from service.errors import ErrorKind, NotFound, ServiceError, Unauthorized

_log = logging.getLogger(__name__)

_PREFIX = "erag"
_SECRET_BYTES = 32
_ID_BYTES = 6
_LOOK_EVERY_S = 1.0
_MAX_LIVE_PER_NAME = 2
_MAX_NAME_CHARS = 100
# Our tokens have 82 characters; nothing longer than this is worth hashing.
_MAX_TOKEN_CHARS = 200
_NOBODY = bytes(32)
_UNAUTHORIZED = "no valid API key: send one as `Authorization: Bearer <key>`; it may be unknown, expired or revoked"


class KeyStore:
    """The keys in one file. Raises `KeyFileUnusable` when that file cannot be trusted or read at start.

    `compare` tells in constant time whether two digests are equal.
    """

    def __init__(
        self, path: Path, clock: Clock, *, compare: Callable[[bytes, bytes], bool] = hmac.compare_digest
    ) -> None:
        self._path = path
        self._compare = compare
        self._clock = clock
        self._lock = threading.RLock()
        self._stamp: FileStamp | None = None
        self._refused: FileStamp | None = None
        self._records: dict[str, KeyRecord] = {}
        self._digests: dict[str, bytes] = {}
        self._last_used: dict[str, float] = {}
        self._looked_at_s = clock.monotonic()
        self._load()

    def create(
        self, name: str, scopes: Iterable[Scope], expires_in_s: float | None = None, tenant: str = "default"
    ) -> tuple[str, KeyRecord]:
        """A new key as (token, record). Two live keys per name allow changing one without a gap; a third is refused."""
        allowed = frozenset(scopes)
        if not allowed or not tenant or not name.strip() or len(name) > _MAX_NAME_CHARS or not name.isprintable():
            detail = "a key needs a name of 1 to 100 printable characters, a tenant and at least one scope"
            raise ServiceError(ErrorKind.BAD_REQUEST, detail)
        if expires_in_s is not None and not expires_in_s > 0:
            raise ServiceError(ErrorKind.BAD_REQUEST, "a key must expire in the future, or never")
        with self._lock, writing(self._path):
            self._load()
            now = self._clock.time()
            live = [record.id for record in self._records.values() if record.name == name and record.is_live(now)]
            if len(live) >= _MAX_LIVE_PER_NAME:
                detail = f"{name} already has {len(live)} live keys ({', '.join(live)}): revoke one of them first"
                raise ServiceError(ErrorKind.BAD_REQUEST, detail)
            key_id = self._unused_id()
            token = f"{_PREFIX}_{key_id}_{secrets.token_hex(_SECRET_BYTES)}"
            expires_at = None if expires_in_s is None else now + expires_in_s
            record = KeyRecord(key_id, name, allowed, tenant, _digest(token).hex(), now, expires_at)
            self._save({**self._records, key_id: record})
        return token, record

    def revoke(self, key_id: str) -> KeyRecord:
        """End a key for good, at once in this process. Raises `NotFound`; revoking twice changes nothing."""
        with self._lock, writing(self._path):
            self._load()
            record = self._records.get(key_id)
            if record is None:
                raise NotFound(f"there is no key {key_id[:40]}; `emini-rag keys list` shows them")
            if record.revoked_at is None:
                record = replace(record, revoked_at=self._clock.time())
                self._save({**self._records, key_id: record})
        return record

    def list(self) -> tuple[KeyRecord, ...]:
        """Every key, oldest first, revoked and expired ones too."""
        self._look()
        return tuple(_used(record, self._last_used.get(record.id)) for record in self._records.values())

    def has_live_keys(self) -> bool:
        """Whether anybody could pass `verify` now."""
        self._look()
        now = self._clock.time()
        return any(record.is_live(now) for record in self._records.values())

    def verify(self, token: str) -> Principal:
        """Whose key it is. Raises `Unauthorized`, the same and after the same work whatever was wrong with the key."""
        self._look()
        given = _digest(token[:_MAX_TOKEN_CHARS])
        key_id = token[len(_PREFIX) + 1 : len(_PREFIX) + 1 + 2 * _ID_BYTES]
        record = self._records.get(key_id)
        matches = self._compare(given, self._digests.get(key_id, _NOBODY))
        now = self._clock.time()
        if record is None or not matches or not record.is_live(now):
            raise Unauthorized(_UNAUTHORIZED)
        self._last_used[key_id] = now
        return Principal(record.id, record.name, record.scopes, record.tenant)

    def flush(self) -> bool:
        """Write the last-used times down; True when there was something to write. Blocking: call it from a thread,
        now and then and at the end. Raises `KeyFileUnusable`."""
        if not self._last_used:
            return False
        with self._lock, writing(self._path):
            self._load()
            self._save(self._records)
        return True

    def _look(self) -> None:
        """Read the file again when it has changed, looking at most once per `_LOOK_EVERY_S`."""
        now = self._clock.monotonic()
        if now - self._looked_at_s < _LOOK_EVERY_S or not self._lock.acquire(blocking=False):
            return
        try:
            self._looked_at_s = now
            stamp = stamp_of(self._path)
            if stamp != self._stamp and (stamp is None or stamp != self._refused):
                self._refused = stamp
                self._load()
        except (KeyFileUnusable, OSError) as error:
            _log.warning("the key file cannot be read again, the keys known before stay valid: %s", error)
        finally:
            self._lock.release()

    def _load(self) -> None:
        # The stamp first: a change between the two is then seen at the next look.
        stamp = stamp_of(self._path)
        if stamp is None or stamp != self._stamp:
            self._hold({record.id: record for record in read_keys(self._path)}, stamp)

    def _save(self, records: dict[str, KeyRecord]) -> None:
        used, self._last_used = self._last_used, {}
        kept = {key_id: _used(record, used.get(key_id)) for key_id, record in records.items()}
        try:
            write_keys(self._path, kept.values())
        except KeyFileUnusable:
            self._last_used = used | self._last_used
            raise
        self._hold(kept, stamp_of(self._path))

    def _hold(self, records: dict[str, KeyRecord], stamp: FileStamp | None) -> None:
        self._digests = {key_id: bytes.fromhex(record.sha256) for key_id, record in records.items()}
        self._records = records
        self._stamp = stamp

    def _unused_id(self) -> str:
        while (key_id := secrets.token_hex(_ID_BYTES)) in self._records:
            pass
        return key_id


def _used(record: KeyRecord, at: float | None) -> KeyRecord:
    return record if at is None else replace(record, last_used_at=max(at, record.last_used_at or at))


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
