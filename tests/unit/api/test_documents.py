"""`/documents` in process."""

import httpx
import pytest

from service.api.answers import CorpusShape, DocumentShape, IngestedShape
from service.corpus.port import Ingested, IngestResult
from service.errors import ErrorKind, ServiceError, TooLarge, UnsupportedDocument
from service.services import HttpLimits
from tests.fakes.services import FakeServices
from tests.unit.api.client import client_of

TEXT = b"Momentum trading buys what rises."


async def upload(fakes: FakeServices, content: bytes = TEXT, name: str = "notes.md") -> httpx.Response:
    async with client_of(fakes) as client:
        return await client.post("/documents", files={"file": (name, content)})


async def test_added_replaced_unchanged() -> None:
    fakes = FakeServices()
    added = await upload(fakes)
    told = IngestedShape.model_validate_json(added.content)
    assert (added.status_code, told.result, told.source, told.chunks) == (201, "added", "notes.md", 1)
    again = await upload(fakes)
    assert (again.status_code, again.json()["result"], again.json()["id"]) == (200, "unchanged", told.id)
    other = await upload(fakes, b"Something else.")
    assert (other.status_code, other.json()["result"]) == (201, "replaced")


async def test_listing_reading_deleting() -> None:
    fakes = FakeServices()
    document = (await upload(fakes)).json()
    async with client_of(fakes) as client:
        listed = CorpusShape.model_validate_json((await client.get("/api/documents")).content)
        one = DocumentShape.model_validate_json((await client.get(f"/documents/{document['id']}")).content)
        text = await client.get(f"/documents/{document['id']}/text")
        deleted = await client.delete(f"/documents/{document['id']}")
        gone = [await client.get(f"/documents/{document['id']}{path}") for path in ("", "/text")]
        gone.append(await client.delete(f"/documents/{document['id']}"))
    assert (listed.documents, listed.version, listed.chunks) == ([one], 1, 1)
    assert text.content == TEXT
    assert text.headers["content-type"] == "text/plain; charset=utf-8"
    assert deleted.json() == {"id": document["id"], "source": "notes.md", "deleted": True}
    assert [(reply.status_code, reply.json()["kind"]) for reply in gone] == [(404, "not_found")] * 3


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (UnsupportedDocument("the PDF is encrypted"), 422),
        (TooLarge("too many pages"), 413),
        (ServiceError(ErrorKind.STORAGE_FULL, "no space left"), 507),
    ],
)
async def test_what_the_corpus_refuses(error: ServiceError, status: int) -> None:
    fakes = FakeServices()
    fakes.corpus.failures.append(error)
    reply = await upload(fakes)
    assert (reply.status_code, reply.json()["detail"]) == (status, error.detail)


@pytest.mark.parametrize(("result", "status"), [(IngestResult.REJECTED, 422), (IngestResult.FAILED, 500)])
async def test_a_result_without_a_document_is_no_success(result: IngestResult, status: int) -> None:
    fakes = FakeServices()

    async def add(source: str, content: bytes) -> Ingested:
        return Ingested(source, result, detail="it is broken")

    fakes.corpus.add = add  # type: ignore[method-assign]
    reply = await upload(fakes)
    assert (reply.status_code, reply.json()["detail"]) == (status, "it is broken")


async def test_a_hostile_name_is_only_a_label() -> None:
    fakes = FakeServices()
    reply = await upload(fakes, name="../../etc/cron.d/x")
    assert reply.json()["source"] == "x"


async def test_a_file_above_the_limit() -> None:
    fakes = FakeServices(limits=HttpLimits(max_file_bytes=100_000))
    reply = await upload(fakes, b"x" * 100_001)
    assert (reply.status_code, reply.json()["kind"]) == (413, "too_large")
    assert not fakes.corpus.calls
    assert (await upload(fakes, b"x" * 100_000)).status_code == 201


async def test_no_file_is_said_with_the_way_to_send_one() -> None:
    async with client_of(FakeServices()) as client:
        empty = await client.post("/documents", files={"other": ("a.md", TEXT)})
        field = await client.post("/documents", files={"file": (None, TEXT)})
        json = await client.post("/documents", json={"file": "x"})
    assert [reply.status_code for reply in (empty, field, json)] == [422, 422, 400]
    for reply in (empty, field, json):
        assert "curl -F file=@notes.md" in reply.json()["detail"]


async def test_nothing_is_added_on_the_way_out() -> None:
    fakes = FakeServices()
    fakes.draining.begin()
    assert (await upload(fakes)).status_code == 503
