"""Rules about ways: from a number to a request, from a menu to a dashboard; and about what stands where a way ends."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from dashboards.frame import TAG
from service.telemetry.catalogue import (
    ASK_DURATION,
    CALL_DURATION,
    FIRST_ANSWER,
    FIRST_CHUNK,
    HTTP_DURATION,
    PHASE_DURATION,
    STAGE_DURATION,
)
from tests.dashboards.boards import Board

_REQUEST_TIMES = tuple(
    metric.name + suffix
    for metric in (
        ASK_DURATION,
        STAGE_DURATION,
        CALL_DURATION,
        PHASE_DURATION,
        FIRST_CHUNK,
        FIRST_ANSWER,
        HTTP_DURATION,
    )
    for suffix in ("_bucket{", "_sum{")
)


def reach(board: Board) -> Iterator[str]:
    """From how long requests take there is a way to a request: diamonds for its trace, or a link to the slow ones."""
    for panel in board.panels:
        timed = panel.kind == "heatmap" or (panel.kind == "timeseries" and panel.defaults.get("unit") == "s")
        taken = any(name in target.expr for target in panel.targets for name in _REQUEST_TIMES)
        # Exemplars belong to buckets: a query of sums and counts alone finds none.
        marked = any(target.raw.get("exemplar") and "_bucket{" in target.expr for target in panel.targets)
        leads = any("/d/slow" in one.get("url", "") for one in panel.defaults.get("links", []))
        if timed and taken and not marked and not leads:
            yield f"{panel.title!r} leads to no request"


def cells(board: Board) -> Iterator[str]:
    """An empty cell has a text of its own, also below a label that only some series have; else it says what the whole
    table says without rows."""
    for panel in board.panels:
        renamed = [change.get("options", {}).get("renameByName") for change in panel.raw.get("transformations") or []]
        shown = [name for names in renamed if names for name in (*names.values(), "a label that only some have")]
        own = [
            override["matcher"]
            for override in panel.overrides
            if any(one["id"] == "noValue" for one in override["properties"])
        ]
        for name in shown:
            if not any(_meant(matcher, name) for matcher in own):
                yield f"an empty cell under {name!r} of {panel.title!r} says {panel.defaults.get('noValue')!r}"


def _meant(matcher: Mapping[str, Any], name: str) -> bool:
    if matcher["id"] == "byRegexp":
        return re.fullmatch(matcher["options"], name) is not None
    return bool(matcher["options"] == name)


def menu(board: Board) -> Iterator[str]:
    """A trace without an id is an error, so only links lead to one."""
    if TAG in board.raw.get("tags", []) and any(panel.kind == "traces" for panel in board.panels):
        yield "it shows a trace, and stands in the menu without an id"
