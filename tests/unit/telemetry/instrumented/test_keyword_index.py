"""The full-text search's span."""

from service.telemetry.instrumented.keyword_index import InstrumentedKeywordIndex
from tests.telemetry.recorder import Recorder
from tests.telemetry.wired import WordIndex
from tests.unit.ask.samples import passage


async def test_a_search_is_a_span_and_reading_passages_is_none() -> None:
    recorder = Recorder()
    index = InstrumentedKeywordIndex(WordIndex([passage(1), passage(2)], recorder.clock), recorder.stages)
    matches = await index.search("momentum", 1)
    assert [match.chunk_id for match in matches] == ["c1"]
    assert await index.passages(matches) == (passage(1), passage(2))
    span = recorder.only()
    assert (span.name, span.kind.name) == ("search fts", "INTERNAL")
    assert (span.attributes["db.system.name"], span.attributes["db.response.returned_rows"]) == ("sqlite", 1)
