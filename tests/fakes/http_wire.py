"""A bare HTTP server on loopback that says what the test tells it to, or nothing."""

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Self

Answer = tuple[int, bytes]


class HttpWire:
    """Within `async with`: `answer(method, path)` gives status and body of each request, None leaves it unanswered.

    `requests` holds method, path and lower-cased headers of all.
    """

    def __init__(self, answer: Callable[[str, str], Answer | None]) -> None:
        self.answer = answer
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self._connections: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for writer in self._connections.values():
            writer.close()
        await asyncio.gather(*self._connections)
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections[task] = writer
        try:
            while line := await reader.readline():
                method, path, _ = line.decode().split(" ", 2)
                headers: dict[str, str] = {}
                while (line := await reader.readline()).strip():
                    name, _, value = line.decode().partition(":")
                    headers[name.strip().casefold()] = value.strip()
                await reader.readexactly(int(headers.get("content-length", "0")))
                self.requests.append((method, path, headers))
                answer = self.answer(method, path)
                if answer is not None:
                    head = f"HTTP/1.1 {answer[0]} x\r\ncontent-length: {len(answer[1])}\r\n\r\n"
                    writer.write(head.encode() + answer[1])
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
