"""The first minute of a version: is it ready, are the documents all there and found, does it answer on every route."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ops.checkpoint.live_service import LiveService
from ops.checkpoint.verifying import known_answers
from ops.rollout.judging import Judged
from ops.rollout.readiness import away, unready
from service.cli.client import ServiceClient
from service.cli.failures import Failure
from service.cli.wording import count, seconds
from service.clock import Clock
from service.errors import ErrorKind

# Of the known questions: a version may rank otherwise, and must still find.
FOUND = 0.8
# What it leans on may take so long to be taken up after the start: the vector store alone takes seconds to import.
_SETTLE_S = 60.0
_LOOK_S = 0.5
# What is asked where there is no question.
GREETING = "Hello"
# The higher the better.
_MODES = {"generated": 2, "extractive": 1, "no_context": 0}


def ask(client: ServiceClient, question: str) -> Mapping[str, Any]:
    """One answer that the cache has no part in. Raises `Failure`."""
    return client.post("/ask", {"query": question, "cache": {"no-cache": True, "no-store": True}})


def modes(client: ServiceClient, questions: Sequence[str]) -> dict[str, str]:
    """How each is answered: `generated`, `extractive`, `no_context`, or `failed`."""
    return {question: _mode(client, question)[0] for question in questions}


class Smoke:
    """`checkpoint` is the folder of the one made before, None for none; `before` says how each question was answered
    then. Each check is given as soon as it is done; the first bad one is the last."""

    def __init__(
        self,
        live: LiveService,
        checkpoint: Path | None,
        before: Mapping[str, Any],
        clock: Clock,
        pause: Callable[[float], None],
    ) -> None:
        self._live = live
        self._checkpoint = checkpoint
        self._before = before
        self._clock = clock
        self._pause = pause

    def run(self) -> Iterator[Judged]:
        """Never raises: a failure is a bad check."""
        for what, check in (
            ("ready", self._ready),
            ("documents", self._documents),
            ("known questions", self._known),
            ("answers", self._answers),
            ("OpenAI route", self._openai),
        ):
            began = self._clock.monotonic()
            try:
                judged = check(what)
            except Failure as error:
                judged = Judged(what, True, ": ".join(filter(None, (error.what, error.why))))
            except (OSError, ValueError, KeyError, TypeError) as error:
                judged = Judged(what, True, f"what the checkpoint or the service says cannot be read ({error!r})")
            took = seconds(self._clock.monotonic() - began)
            yield Judged(judged.what, judged.bad, f"{judged.said} [{took}]")
            if judged.bad:
                return

    def _ready(self, what: str) -> Judged:
        """What was there before is waited for: on a busy machine it comes and goes for a while."""
        until, known = self._clock.monotonic() + _SETTLE_S, self._before.get("away")
        while True:
            why = unready(self._live.url)
            gone = [] if why else away(self._live.url)
            lost = [] if known is None else [name for name in gone if name not in known]
            if not (why or lost):
                return Judged(
                    what,
                    False,
                    f"ready; away{'' if known is None else ', as before'}: {', '.join(gone)}" if gone else "ready",
                )
            if self._clock.monotonic() >= until:
                return Judged(what, True, why or f"ready, and without what the version before had: {', '.join(lost)}")
            self._pause(_LOOK_S)

    def _documents(self, what: str) -> Judged:
        there = self._live.document_ids()
        lost = set(self._before.get("documents", ())) - there
        said = f"{count(len(there), 'document')}, {len(lost)} missing of those before"
        return Judged(what, bool(lost), said)

    def _known(self, what: str) -> Judged:
        if self._checkpoint is None:
            return Judged(what, False, "none: there is no checkpoint")
        answers = known_answers(self._checkpoint)
        questions = list(answers["questions"])
        try:
            found = self._live.search(questions, int(answers["top_k"]))
        except Failure as error:
            if error.kind is ErrorKind.NOT_FOUND:
                return Judged(what, False, "not asked: this version cannot search without a model")
            raise
        good = sum(one["found"][0] in now for one, now in zip(questions, found, strict=True))
        bad = good < FOUND * len(questions)
        return Judged(what, bad, f"{good} of {len(questions)} find what they found before ({FOUND:.0%} must)")

    def _answers(self, what: str) -> Judged:
        worse, said = [], []
        for question, before in dict(self._before.get("modes", {})).items():
            mode, why = _mode(self._live.client, question)
            said.append(mode)
            if _MODES.get(mode, -1) < _MODES.get(before, -1):
                worse.append(f'"{question}" was answered ({before}), and is now {mode}{f": {why}" if why else ""}')
        if worse:
            return Judged(what, True, worse[0])
        return Judged(
            what, False, ", ".join(f"{said.count(mode)} {mode}" for mode in dict.fromkeys(said)) or "none asked"
        )

    def _openai(self, what: str) -> Judged:
        if not self._before.get("openai", True):
            return Judged(what, False, "not asked: it did not work before either")
        return Judged(what, False, openai(self._live.client, next(iter(self._before.get("modes", {})), GREETING)))


def openai(client: ServiceClient, question: str) -> str:
    """What came of one question there, in words. Raises `Failure`."""
    told = client.post(
        "/v1/chat/completions", {"model": "auto", "messages": [{"role": "user", "content": question}], "max_tokens": 64}
    )
    try:
        content = str(told["choices"][0]["message"]["content"])
    except (KeyError, IndexError, TypeError) as error:
        raise Failure("POST /v1/chat/completions answers, and not as OpenAI does") from error
    if not content.strip():
        raise Failure("POST /v1/chat/completions gives an empty answer")
    return f"answers, {count(len(content), 'character')}"


def openai_works(client: ServiceClient, question: str) -> bool:
    """Whether it answers there at all."""
    try:
        openai(client, question)
    except Failure:
        return False
    return True


def _mode(client: ServiceClient, question: str) -> tuple[str, str]:
    try:
        told = ask(client, question)
    except Failure as error:
        return "failed", ": ".join(filter(None, (error.what, error.why)))
    return (str(told.get("mode", "")) if str(told.get("answer", "")).strip() else "failed"), ""
