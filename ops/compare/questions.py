"""Where the questions of a comparison come from: a file, what the baseline was asked lately, or the samples."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ops.compare.phrases import listed
from ops.compare.plan import Asked
from ops.compare.samples import SAMPLES
from service.cli.client import ServiceClient
from service.cli.failures import USAGE, Failure
from service.cli.wording import count
from service.routing.scored import ScoredPolicy

MAX_CHARS = 8000
# What a record of a request keeps of its question; one of this length may have been longer.
RECORDED_CHARS = 2000
# The most that the service tells of its past at once.
RECORDS = 1000
_FIELDS = ("question", "query", "text")
_CAPTURE = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=SPAN_ONLY"


@dataclass(frozen=True, slots=True)
class Questions:
    """Different questions, in order, and where they come from, in words."""

    asked: tuple[Asked, ...]
    source: str


def of_samples() -> Questions:
    """Those that come with this program."""
    return Questions(_different(SAMPLES), f"{len(SAMPLES)} sample questions")


def of_file(path: Path) -> Questions:
    """One question a line; in a file that ends in .jsonl, one JSON object a line, with `question`, `query` or `text`.
    Empty lines, and in a text file those that begin with #, are passed over. Raises `Failure`."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        todo = "Write it as UTF-8."
        raise Failure(f"{path} is no text in UTF-8", f"byte {error.start:,} is not", todo=todo, code=USAGE) from error
    as_json = path.suffix.lower() in {".jsonl", ".ndjson"}
    texts = []
    for number, line in enumerate(map(str.strip, lines), start=1):
        if not line or (line.startswith("#") and not as_json):
            continue
        text = _of_object(line) if as_json else line
        if not text or len(text) > MAX_CHARS or "\0" in text:
            why = f"a question has 1 to {MAX_CHARS:,} characters"
            why += f", and stands in an object's {listed(_FIELDS, 'or')}" if as_json else ""
            raise Failure(f"Line {number} of {path} holds no question", why, code=USAGE)
        texts.append(text)
    if not texts:
        raise Failure(f"{path} holds no question", todo="Write one question a line.", code=USAGE)
    different = _different(texts)
    return Questions(different, f"{count(len(different), 'question')} of {path.name}")


def of_record(service: ServiceClient, window: str, since: float) -> Questions:
    """What the service was asked since then (Unix seconds), as far as it remembers. Raises `Failure` where it does not
    keep what was asked."""
    records: list[dict[str, Any]] = service.get("/monitoring/recent", count=RECORDS)["recent"]
    lately = [record for record in records if float(record["at"]) >= since]
    if not lately:
        todo = "Name a longer time, or a file with --queries."
        raise Failure(f"The service at {service.url} was asked nothing within the last {window}", todo=todo)
    texts = [str(record.get("question") or "") for record in lately]
    if not any(texts):
        raise Failure(
            f"The service at {service.url} has not kept what it was asked",
            f"it remembers {count(len(lately), 'request')} of the last {window} without their text",
            todo=f"With {_CAPTURE} it keeps texts from then on; until then, name a file with --queries.",
        )
    different = _different(text for text in texts if 0 < len(text) < RECORDED_CHARS and "\0" not in text)
    if not different:
        raise Failure(f"Every question that {service.url} has kept is too long to be whole", code=USAGE)
    left_out = sum(not text or len(text) >= RECORDED_CHARS for text in texts)
    told = f"{count(len(different), 'question')} of {count(len(lately), 'request')} within the last {window}"
    told += f", {left_out:,} left out that were not kept whole" if left_out else ""
    if len(records) == RECORDS and lately == records:
        told += f" (only the last {RECORDS:,} are remembered)"
    return Questions(different, told)


def _of_object(line: str) -> str:
    try:
        found = json.loads(line)
    except ValueError:
        return ""
    if isinstance(found, str):
        return found.strip()
    fields = (found.get(name) for name in _FIELDS) if isinstance(found, dict) else ()
    return next((text.strip() for text in fields if isinstance(text, str)), "")


def _different(texts: Iterable[str]) -> tuple[Asked, ...]:
    policy = ScoredPolicy()
    return tuple(
        Asked(text, policy.decide(text).tier) for text in dict.fromkeys(text.strip() for text in texts) if text
    )
