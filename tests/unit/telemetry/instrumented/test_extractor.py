"""Quoting as a span."""

from service.generation.extractive import SentenceExtractor
from service.telemetry.instrumented.extractor import InstrumentedExtractor
from tests.telemetry.recorder import Recorder
from tests.unit.ask.samples import passage


def test_the_number_of_quotes_is_told() -> None:
    recorder = Recorder()
    extractor = InstrumentedExtractor(SentenceExtractor(), recorder.stages)
    excerpts = extractor.extract("What is momentum?", [passage(1)])
    assert excerpts == SentenceExtractor().extract("What is momentum?", [passage(1)])
    span = recorder.only()
    assert (span.name, dict(span.attributes)) == ("extract", {"rag.extract.excerpts": len(excerpts)})
