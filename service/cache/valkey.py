"""A cache on a Valkey or Redis server, shared by replicas. Never raises: a server that is away is a degraded miss.

Layout, under `<prefix>:<name>:`: `v:<digest>` the packed entry, `f:<family>` the digest stored last with its end (kept
twice as long, so that `expired` and `invalidated` can be told from `miss`), `i` a sorted set of digests by their end.
Ages use Unix seconds of the service that stored (clamped at 0), so replicas should keep their clocks in step.

The number of entries is bounded here, those that end soonest going first; bytes are the server's to bound
(`maxmemory`), so sizes are given as 0 of 0.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from service.cache.freshness import age_when_stored_s, judge, to_keep
from service.cache.packing import pack, unpack
from service.cache.port import (
    CacheControl,
    CacheEntry,
    CacheKey,
    CacheName,
    CacheResult,
    CacheStats,
    EvictionReason,
    Lookup,
)
from service.cache.tally import Tally
from service.clock import Clock

_log = logging.getLogger(__name__)
_T = TypeVar("_T")

# A cache that is slower than this is not worth asking; when it fails, it is left alone for a while.
_PATIENCE_S = 0.5
_RETRY_S = 1.0
_CLEAR_S = 30.0
_CLEAR_BATCH = 500


class ValkeyCache:
    """Implements `Cache`. `prefix` keeps installations apart that share a server. `max_entries` 0 keeps nothing.

    One call may take `patience_s`, connecting and each answer half of it; beyond that the server counts as away.
    """

    def __init__(
        self,
        name: CacheName,
        url: str,
        max_entries: int,
        clock: Clock,
        *,
        prefix: str = "emini-rag",
        patience_s: float = _PATIENCE_S,
    ) -> None:
        self._name = name
        self._patience_s = patience_s
        self._max_entries = max_entries
        self._clock = clock
        self._prefix = f"{prefix}:{name}:"
        self._redis: Redis = Redis.from_url(
            url,
            socket_connect_timeout=patience_s / 2,
            socket_timeout=patience_s / 2,
            retry=Retry(NoBackoff(), 0),
            decode_responses=False,
        )
        self._tally = Tally()
        self._entries = 0
        self._away = False
        self._retry_at_s = 0.0

    @property
    def name(self) -> CacheName:
        return self._name

    async def lookup(self, keys: tuple[CacheKey, ...], control: CacheControl) -> Lookup:
        if control.no_cache:
            return self._tally.seen(Lookup(CacheResult.BYPASS))
        found = await self._run(lambda: self._find(keys, control), self._patience_s)
        return self._tally.seen(found or Lookup(CacheResult.MISS, degraded=True))

    async def store(self, key: CacheKey, entry: CacheEntry, control: CacheControl) -> bool:
        kept = to_keep(entry, control)
        if kept is None or self._max_entries < 1:
            return False
        left_s = kept.ttl_s - age_when_stored_s(kept, self._clock)
        if not left_s > 0:
            return False
        return await self._run(lambda: self._put(key, kept, left_s), self._patience_s) is not None

    def touch(self, key: CacheKey) -> None:
        """Nothing: what ends soonest goes first here, used or not."""

    async def clear(self) -> int:
        count = await self._run(self._clear, _CLEAR_S) or 0
        self._tally.evicted(EvictionReason.CLEARED, count)
        return count

    def stats(self) -> CacheStats:
        return self._tally.stats(entries=self._entries, max_entries=self._max_entries, size_bytes=0, max_bytes=0)

    async def close(self) -> None:
        try:
            async with asyncio.timeout(self._patience_s):
                await self._redis.aclose()
        except (RedisError, OSError, TimeoutError):
            _log.info("the connection to the %s cache server could not be closed in good order", self._name)

    async def _find(self, keys: tuple[CacheKey, ...], control: CacheControl) -> Lookup:
        names = [f"{self._prefix}v:{key.digest}" for key in keys] + [f"{self._prefix}f:{key.family}" for key in keys]
        now = self._clock.time()
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.mget(names)
            pipe.zcount(f"{self._prefix}i", now, "+inf")
            found, self._entries = await pipe.execute()
        result, degraded = CacheResult.MISS, False
        for key, value, family in zip(keys, found[: len(keys)], found[len(keys) :], strict=True):
            absence = self._absence(key, family, now)
            if value is not None:
                try:
                    entry = unpack(value)
                except (ValueError, TypeError):
                    degraded = True
                    continue
                age_s = max(0.0, now - entry.created_at)
                absence = judge(age_s, entry.ttl_s, control)
                if absence is CacheResult.HIT:
                    return Lookup(CacheResult.HIT, entry, age_s, degraded)
            if result is CacheResult.MISS or absence is CacheResult.EXPIRED:
                result = absence
        return Lookup(result, degraded=degraded)

    @staticmethod
    def _absence(key: CacheKey, family: bytes | None, now: float) -> CacheResult:
        """Why a value is not there, by what was stored last in its family."""
        try:
            digest, ends_at = json.loads(family or b"")
            over = now >= float(ends_at)
        except (ValueError, TypeError):
            return CacheResult.MISS
        if digest == key.digest:
            return CacheResult.EXPIRED if over else CacheResult.MISS
        return CacheResult.MISS if over else CacheResult.INVALIDATED

    async def _put(self, key: CacheKey, entry: CacheEntry, left_s: float) -> bool:
        now = self._clock.time()
        left_ms = max(1, int(left_s * 1000))
        family = json.dumps([key.digest, now + left_s])
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.set(f"{self._prefix}v:{key.digest}", pack(entry), px=left_ms)
            pipe.set(f"{self._prefix}f:{key.family}", family, px=2 * left_ms)
            pipe.zadd(f"{self._prefix}i", {key.digest: now + left_s})
            pipe.zremrangebyscore(f"{self._prefix}i", "-inf", now)
            pipe.zcard(f"{self._prefix}i")
            *_, outlived, count = await pipe.execute()
        self._tally.evicted(EvictionReason.EXPIRED, outlived)
        self._entries = count
        if count > self._max_entries:
            await self._evict(count - self._max_entries)
        return True

    async def _evict(self, count: int) -> None:
        ending: Any = await self._redis.zpopmin(f"{self._prefix}i", count)
        if ending:
            await self._redis.unlink(*(f"{self._prefix}v:{digest.decode()}" for digest, _ in ending))
            self._tally.evicted(EvictionReason.ENTRIES, len(ending))
            self._entries -= len(ending)

    async def _clear(self) -> int:
        count, batch = 0, []
        async for name in self._redis.scan_iter(f"{self._prefix}*", count=_CLEAR_BATCH):
            count += name.startswith(f"{self._prefix}v:".encode())
            batch.append(name)
            if len(batch) >= _CLEAR_BATCH:
                await self._redis.unlink(*batch)
                batch = []
        if batch:
            await self._redis.unlink(*batch)
        self._entries = 0
        return count

    async def _run(self, call: Callable[[], Awaitable[_T]], timeout_s: float) -> _T | None:
        """The result, or None when the server could not give one."""
        if self._away and self._clock.monotonic() < self._retry_at_s:
            return None
        try:
            async with asyncio.timeout(timeout_s):
                result = await call()
        except (RedisError, OSError, TimeoutError) as error:
            if not self._away:
                _log.warning("the %s cache server is away: %s", self._name, type(error).__name__)
            self._away = True
            self._retry_at_s = self._clock.monotonic() + _RETRY_S
            return None
        if self._away:
            self._away = False
            _log.info("the %s cache server is back", self._name)
        return result
