"""An OTLP/HTTP receiver in a process of its own that accepts everything: `python -m tests.bench.sink PORT`.

It reads and forgets, which costs next to nothing; after `/keep` it keeps what it is sent, unread, until `/spans` asks.
"""

import asyncio
import sys
from typing import Any

import uvloop
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.fakes import ollama_wire as wire


class Sink:
    """The receiver; `spans` answers what came since `keep` as [trace id, name, seconds]."""

    def __init__(self) -> None:
        self._kept: list[bytes] | None = None

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (request := await wire.read_request(reader)) is not None:
                _, path, body = request
                if path == "/keep":
                    self._kept = []
                    await wire.reply(writer, 200, None)
                elif path == "/spans":
                    await wire.reply(writer, 200, self._spans())
                else:
                    if self._kept is not None:
                        self._kept.append(body)
                    await wire.reply(writer, 200, "")
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    def _spans(self) -> list[Any]:
        kept, self._kept = self._kept or [], None
        return [
            [span.trace_id.hex(), span.name, (span.end_time_unix_nano - span.start_time_unix_nano) / 1e9]
            for body in kept
            for of_resource in ExportTraceServiceRequest.FromString(body).resource_spans
            for of_scope in of_resource.scope_spans
            for span in of_scope.spans
        ]


async def main(port: int) -> None:
    server = await asyncio.start_server(Sink().connected, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
