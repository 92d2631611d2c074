"""The little HTTP/1.1 that the fake Ollama speaks: requests, whole replies, chunked lines."""

import asyncio
import json


async def read_request(reader: asyncio.StreamReader, first: bytes = b"") -> tuple[str, str, bytes] | None:
    """Method, path and body of the next request; None when the client has closed. `first` was already read."""
    try:
        text = (first + await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError:
        return None
    line, *headers = text.split("\r\n")
    method, target, _ = line.split(" ", 2)
    length = 0
    for header in headers:
        name, _, value = header.partition(":")
        if name.lower() == "content-length":
            length = int(value)
    return method, target.partition("?")[0], await reader.readexactly(length)


async def reply(writer: asyncio.StreamWriter, status: int, body: object) -> None:
    """One whole answer; a text as it is, anything else as JSON."""
    content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    kind = "text/plain" if isinstance(body, str) else "application/json"
    head = f"HTTP/1.1 {status} Status\r\nContent-Type: {kind}\r\nContent-Length: {len(content)}\r\n\r\n"
    writer.write(head.encode() + content)
    await writer.drain()


async def begin(writer: asyncio.StreamWriter) -> None:
    """Head of a stream of JSON lines."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n")
    await writer.drain()


async def line(writer: asyncio.StreamWriter, message: object) -> None:
    await chunk(writer, json.dumps(message).encode() + b"\n")


async def chunk(writer: asyncio.StreamWriter, content: bytes) -> None:
    writer.write(f"{len(content):x}\r\n".encode() + content + b"\r\n")
    await writer.drain()


async def finish(writer: asyncio.StreamWriter) -> None:
    """End of a stream; the connection may be used again."""
    writer.write(b"0\r\n\r\n")
    await writer.drain()
