"""Content stays out of telemetry: question, documents, answer, file names, a client's model name, errors that quote."""

import json
import logging
from collections.abc import Sequence
from contextlib import aclosing, suppress
from dataclasses import replace

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from prometheus_client.openmetrics.exposition import generate_latest

from service.ask.types import Question
from service.errors import ServiceError, UnknownModel, UnsupportedDocument
from service.routing.port import RouteReason
from service.telemetry.instrumented.corpus import InstrumentedCorpus
from tests.fakes.corpus import FakeCorpus
from tests.fakes.generator import Step
from tests.telemetry.recorder import SMALL
from tests.telemetry.trees import named
from tests.telemetry.wired import SlowGenerator, Wired, decided
from tests.unit.ask.samples import passage

CANARY = "zebrafinch"
QUESTION = f"What does {CANARY} mean?"
CONTENT_KEYS = {"gen_ai.input.messages", "gen_ai.output.messages"}


def everything(spans: Sequence[ReadableSpan]) -> str:
    return "\n".join(span.to_json() for span in spans)


def wired(*script: Step, capture: bool = False, model: str | None = SMALL) -> Wired:
    route = decided(model, RouteReason.POLICY if model else RouteReason.UNAVAILABLE)
    quoting = replace(
        route,
        requested=f"{CANARY}:7b",
        explanation=(f"the service always chooses: ignored the requested {CANARY}:7b", f"1 term ({CANARY})", "short"),
    )
    passages = (passage(1, f"The {CANARY} sings.", source=f"{CANARY}.md"), passage(2, f"A {CANARY} again."))
    steps = script or (f"It is a {CANARY} ", "[1].")
    return Wired(quoting, SlowGenerator(steps, steps, steps), passages, capture=capture)


async def ask(wired: Wired) -> None:
    with suppress(ValueError):
        await wired.events(QUESTION)


@pytest.mark.parametrize(
    "stand",
    [
        wired,
        lambda: wired(model=None),
        lambda: wired("Half", ValueError(f"cannot tokenize {CANARY}")),
        lambda: wired(UnknownModel(f"The model {CANARY} is not one this service offers")),
    ],
    ids=["answered", "quoted", "unforeseen error", "error that quotes the client"],
)
async def test_nothing_of_the_content_is_seen(stand: object, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    made: Wired = stand()  # type: ignore[operator]
    await ask(made)
    await ask(made)  # from the cache, where there is an answer
    spans = made.spans()
    assert len(spans) > 6
    assert CANARY not in everything(spans)
    assert CANARY not in generate_latest(made.registry).decode()
    assert CANARY not in caplog.text


async def test_a_reader_that_leaves_takes_the_content_along() -> None:
    made = wired()
    async with aclosing(made.asker.ask(Question(QUESTION))) as events:
        await anext(events)
    assert CANARY not in everything(made.spans())


@pytest.mark.parametrize("error", [None, UnsupportedDocument(f"{CANARY}.pdf is encrypted"), OSError(f"{CANARY}.pdf")])
async def test_no_file_is_named(error: Exception | None) -> None:
    made = wired()
    corpus = FakeCorpus()
    if error is not None:
        corpus.failures.append(error)
    with suppress(ServiceError, OSError):
        await InstrumentedCorpus(corpus, made.stages, made.meters).add(f"{CANARY}.md", f"About a {CANARY}.".encode())
    (span,) = made.spans()
    assert span.name == "ingest document"
    assert CANARY not in span.to_json()
    assert CANARY not in generate_latest(made.registry).decode()


async def test_content_is_there_when_it_was_asked_for_and_nowhere_else() -> None:
    made = wired(capture=True)
    await ask(made)
    spans = made.spans()
    for name in ("invoke_workflow ask", f"chat {SMALL}"):
        attributes = named(spans, name).attributes
        asked = json.loads(attributes["gen_ai.input.messages"])
        answered = json.loads(attributes["gen_ai.output.messages"])
        assert CANARY in asked[-1]["parts"][0]["content"]
        assert answered == [
            {
                "role": "assistant",
                "parts": [{"type": "text", "content": f"It is a {CANARY} [1]."}],
                "finish_reason": "stop",
            }
        ]
    for span in spans:
        rest = {key: value for key, value in span.attributes.items() if key not in CONTENT_KEYS}
        assert CANARY not in str(rest)


async def test_long_content_is_cut_to_valid_json() -> None:
    made = wired(*["word " * 50] * 40, capture=True)
    await made.events("Why? " * 1500)
    for span in made.spans():
        for key in CONTENT_KEYS & set(span.attributes):
            text = span.attributes[key]
            assert len(text.encode()) <= 2000
            assert json.loads(text)[-1]["parts"][0]["content"].endswith("…")
