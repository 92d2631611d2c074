"""The loader as the service uses it: what is read where, limits, and when the process is replaced."""

from collections.abc import AsyncIterator

import pytest

from service.corpus.loaders.sandbox import IN_PROCESS_BYTES, SandboxedLoader
from service.errors import TooLarge, UnsupportedDocument
from tests.unit.corpus.loaders.samples import pdf

PAGE = b"<html><body><p>Stops limit losses.</p></body></html>"


@pytest.fixture
async def loader() -> AsyncIterator[SandboxedLoader]:
    made = SandboxedLoader(1 << 20, 5, 20.0, 1 << 30, recycle_after=3)
    yield made
    await made.close()


async def test_small_text_needs_no_process(loader: SandboxedLoader) -> None:
    document = await loader.load("a.md", b"# Stops\n\nText.")
    assert (document.title, loader.worker_pid) == ("Stops", None)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.html", PAGE),
        ("a.pdf", pdf("Stops limit losses.")),
        ("a.csv", b"what,how\nStops,limit losses."),
        ("a.json", b'{"Stops": "limit losses."}'),
        ("big.txt", b"Stops limit losses. " * (IN_PROCESS_BYTES // 19)),
    ],
)
async def test_everything_else_is_read_apart(loader: SandboxedLoader, name: str, content: bytes) -> None:
    document = await loader.load(name, content)
    assert "limit losses." in document.text
    assert loader.worker_pid is not None


async def test_the_process_is_kept_then_replaced(loader: SandboxedLoader) -> None:
    pids = []
    for _ in range(4):
        await loader.load("a.html", PAGE)
        pids.append(loader.worker_pid)
    assert pids[0] == pids[1] is not None
    assert pids[2] is None
    assert pids[3] not in {None, pids[0]}


async def test_a_refused_document_does_not_cost_the_process(loader: SandboxedLoader) -> None:
    await loader.load("a.html", PAGE)
    before = loader.worker_pid
    with pytest.raises(UnsupportedDocument, match="not valid JSON"):
        await loader.load("a.json", b"{")
    assert loader.worker_pid == before


async def test_size_limit_before_any_work(loader: SandboxedLoader) -> None:
    with pytest.raises(TooLarge, match=r"a.md has 2.0 MiB, above the limit of 1.0 MiB"):
        await loader.load("a.md", b"x" * (2 << 20))
    with pytest.raises(TooLarge, match="has 6 pages, at most 5"):
        await loader.load("a.pdf", pdf(*["x"] * 6))


async def test_errors_show_a_safe_name(loader: SandboxedLoader) -> None:
    with pytest.raises(UnsupportedDocument, match=r"^evil\.md is empty"):
        await loader.load("../../\u202eevil.md", b"")


async def test_closing_twice_and_loading_again(loader: SandboxedLoader) -> None:
    await loader.load("a.html", PAGE)
    await loader.close()
    await loader.close()
    assert loader.worker_pid is None
    assert (await loader.load("a.html", PAGE)).text == "Stops limit losses."
