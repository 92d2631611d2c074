"""The load generator: raw HTTP/1.1 over kept connections, so that it costs little and hides nothing.

`python -m tests.bench.load` reads a wish as JSON and writes a report as JSON. The same question may be asked over and
over (`body`), or one after the other from a list (`bodies`).

closed   each of `connections` asks again as soon as it is answered, `requests` in all
paced    one request every 1/`rate` seconds whatever happened to those before; latency counts from the moment at which
         it fell due, not from that at which a connection was free, so that a server that falls behind is not spared
streams  `connections` read streams at a time, `requests` in all; latency is that of each token, from the stamp that
         the model server put into its text (both clocks are the machine's monotonic one)
"""

import asyncio
import json
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import cycle, islice
from typing import Any, cast

import uvloop

from tests.bench.figures import quantile

STAMP = re.compile(rb"<(\d{10,})>")
_TIMEOUT_S = 120.0


class Connection(asyncio.Protocol):
    """One kept connection. `pieces` are what arrived for the last request, each with its time in ns."""

    def __init__(self) -> None:
        self.pieces: list[tuple[int, bytes]] = []
        self._transport: asyncio.WriteTransport | None = None
        self._whole: asyncio.Future[bytes] | None = None
        self._got = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are not asyncio's classes.
        self._transport = cast(asyncio.WriteTransport, transport)

    def data_received(self, data: bytes) -> None:
        self.pieces.append((time.monotonic_ns(), data))
        self._got += data
        if self._whole is not None and not self._whole.done() and is_whole(self._got):
            self._whole.set_result(self._got)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._whole is not None and not self._whole.done():
            self._whole.set_exception(exc or ConnectionError("the server closed the connection"))

    async def exchange(self, request: bytes) -> tuple[int, bytes]:
        """Status and everything that came, head included."""
        if self._transport is None or self._transport.is_closing():
            raise ConnectionError("the server closed the connection")
        self.pieces, self._got = [], b""
        self._whole = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        got = await self._whole
        return int(got[9:12]), got


def is_whole(got: bytes) -> bool:
    """Whether a reply's last byte is here, by its length or its last chunk."""
    head, separator, body = got.partition(b"\r\n\r\n")
    if not separator:
        return False
    length = re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)
    return len(body) >= int(length[1]) if length else body.endswith(b"0\r\n\r\n")


def request_bytes(path: str, body: str | None, headers: dict[str, str]) -> bytes:
    """One request; a GET without a body."""
    lines = [f"{'GET' if body is None else 'POST'} {path} HTTP/1.1", "host: 127.0.0.1", "user-agent: bench"]
    content = b"" if body is None else body.encode()
    if body is not None:
        lines += ["content-type: application/json", f"content-length: {len(content)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


async def closed(connections: Sequence[Connection], requests: Iterator[bytes]) -> dict[str, Any]:
    """See the module."""
    latencies: list[float] = []
    statuses: Counter[int] = Counter()

    async def ask(connection: Connection) -> None:
        for request in requests:
            began = time.perf_counter()
            status, _ = await connection.exchange(request)
            latencies.append(time.perf_counter() - began)
            statuses[status] += 1

    began = time.perf_counter()
    await asyncio.gather(*map(ask, connections))
    return _report(latencies, statuses, time.perf_counter() - began)


async def paced(connections: Sequence[Connection], requests: Iterator[bytes], rate: float) -> dict[str, Any]:
    """See the module."""
    latencies: list[float] = []
    moments: list[float] = []
    statuses: Counter[int] = Counter()
    due: asyncio.Queue[tuple[float, bytes] | None] = asyncio.Queue()

    async def serve(connection: Connection) -> None:
        while (item := await due.get()) is not None:
            status, _ = await connection.exchange(item[1])
            latencies.append(time.monotonic() - item[0])
            moments.append(item[0])
            statuses[status] += 1

    serving = [asyncio.ensure_future(serve(connection)) for connection in connections]
    began = time.monotonic()
    for number, request in enumerate(requests):
        # No spinning until the moment is there: that would take the processor from the server.
        if (early := began + number / rate - time.monotonic()) > 0:
            await asyncio.sleep(early)
        due.put_nowait((time.monotonic(), request))
    for _ in serving:
        due.put_nowait(None)
    await asyncio.gather(*serving)
    return {**_report(latencies, statuses, time.monotonic() - began), "due_s": moments}


async def streams(connections: Sequence[Connection], requests: Iterator[bytes]) -> dict[str, Any]:
    """See the module."""
    latencies: list[float] = []
    statuses: Counter[int] = Counter()

    async def ask(connection: Connection) -> None:
        for request in requests:
            status, _ = await connection.exchange(request)
            statuses[status] += 1
            latencies.extend(token_latencies(connection.pieces))

    began = time.perf_counter()
    await asyncio.gather(*map(ask, connections))
    return _report(latencies, statuses, time.perf_counter() - began)


def token_latencies(pieces: Sequence[tuple[int, bytes]]) -> Iterator[float]:
    """The last event may repeat the whole answer: the first sight of a stamp counts."""
    seen: set[bytes] = set()
    for at_ns, data in pieces:
        for stamp in STAMP.findall(data):
            if stamp not in seen:
                seen.add(stamp)
                yield (at_ns - int(stamp)) / 1e9


def _report(latencies: Sequence[float], statuses: Counter[int], wall_s: float) -> dict[str, Any]:
    """Latencies are given in whole too, in the order of their ends; `paced` adds when each was due."""
    return {
        "wall_s": wall_s,
        "statuses": dict(statuses),
        "p50_s": quantile(latencies, 0.5),
        "p99_s": quantile(latencies, 0.99),
        "max_s": max(latencies),
        "latencies_s": latencies,
    }


async def run(wish: dict[str, Any]) -> dict[str, Any]:
    """Open the connections, and do what `wish` says."""
    loop = asyncio.get_running_loop()
    opened = [
        await loop.create_connection(Connection, "127.0.0.1", wish["port"]) for _ in range(wish.get("connections", 1))
    ]
    bodies = wish.get("bodies") or [wish.get("body")]
    made = [request_bytes(wish["path"], body, wish.get("headers", {})) for body in bodies]
    requests = islice(cycle(made), wish["requests"])
    protocols = [protocol for _, protocol in opened]
    try:
        async with asyncio.timeout(wish.get("timeout_s", _TIMEOUT_S)):
            match wish["mode"]:
                case "closed":
                    return await closed(protocols, requests)
                case "paced":
                    return await paced(protocols, requests, wish["rate"])
                case _:
                    return await streams(protocols, requests)
    finally:
        for transport, _ in opened:
            transport.close()


if __name__ == "__main__":
    json.dump(uvloop.run(run(json.load(sys.stdin))), sys.stdout)
