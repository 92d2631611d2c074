"""One file out of a multipart body, in any cut."""

from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.api.multipart import Upload, read_upload
from service.errors import ErrorKind, ServiceError, TooLarge

TYPE = "multipart/form-data; boundary=XX"
HEAD = b'--XX\r\nContent-Disposition: form-data; name="file"; filename="a.md"\r\nContent-Type: text/markdown\r\n\r\n'
END = b"\r\n--XX--\r\n"


async def read(*parts: bytes, content_type: str = TYPE, limit: int = 1000) -> Upload:
    async def arriving() -> AsyncIterator[bytes]:
        for part in parts:
            yield part

    return await read_upload(content_type, arriving(), limit)


@given(st.binary(max_size=300).filter(lambda content: b"--XX" not in content), st.integers(1, 40))
async def test_any_content_in_any_cut_comes_out_as_it_was(content: bytes, step: int) -> None:
    whole = HEAD + content + END
    parts = [whole[start : start + step] for start in range(0, len(whole), step)]
    assert await read(*parts) == Upload("a.md", content)


async def test_other_fields_are_passed_over() -> None:
    field = b'--XX\r\nContent-Disposition: form-data; name="note"\r\n\r\nhello\r\n'
    assert (await read(field + HEAD + b"text" + END)).content == b"text"


@pytest.mark.parametrize(
    "content_type", ["", "application/json", "multipart/form-data", "multipart/mixed; boundary=XX", "x" * 5000]
)
async def test_other_types_are_refused(content_type: str) -> None:
    with pytest.raises(ServiceError, match="multipart/form-data") as caught:
        await read(HEAD + b"text" + END, content_type=content_type)
    assert caught.value.kind is ErrorKind.BAD_REQUEST


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"garbage",
        HEAD + b"text",
        b"--XX\r\nNo-Colon\r\n\r\n" + END,
        b"--XX\r\n" + b"".join(b"A%d: x\r\n" % number for number in range(20)) + b"\r\ntext" + END,
        b"--XX\r\nA: " + b"x" * 10_000 + b"\r\n\r\ntext" + END,
        HEAD + b"one\r\n" + HEAD + b"two" + END,
        b'--XX\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n' * 20 + HEAD + b"text" + END,
    ],
)
async def test_broken_bodies_are_refused(body: bytes) -> None:
    with pytest.raises(ServiceError) as caught:
        await read(body)
    assert caught.value.kind is ErrorKind.BAD_REQUEST


async def test_the_limit_stops_the_reading() -> None:
    taken = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal taken
        yield HEAD
        while True:
            taken += 100
            yield b"x" * 100

    with pytest.raises(TooLarge, match="1,000 bytes"):
        await read_upload(TYPE, endless(), 1000)
    assert taken <= 1100


async def test_a_name_that_is_no_utf8_is_still_a_name() -> None:
    body = HEAD.replace(b"a.md", b"\xff.md") + b"text" + END
    assert (await read(body)).name == "\ufffd.md"
