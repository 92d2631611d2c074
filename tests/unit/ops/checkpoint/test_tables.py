"""Checkpoints as tables and as objects."""

import io

from rich.console import Console
from rich.table import Table

from ops.checkpoint import tables
from ops.checkpoint.archive import Listed
from ops.checkpoint.differing import Difference
from ops.checkpoint.files import FileRecord
from ops.checkpoint.manifest import Manifest

MANIFEST = Manifest(
    "first",
    1_700_000_000.0,
    "development",
    "data folder /srv/data",
    note="before tuning",
    code={"commit": "a" * 40, "branch": "main", "dirty": True, "changed": ["x"]},
    tools={"chromadb": "1.5.9"},
    corpus={
        "documents": 52,
        "chunks": 250,
        "vectors": 250,
        "embedder": "e",
        "found_themselves": 200,
        "looked_for": 200,
        "known_answers": 20,
    },
    images=[{"service": "rag-service", "image": "emini-rag:latest", "id": "sha256:aa", "digest": ""}],
    left_out=["images: not asked for"],
    durations_s={"pause": 0.042},
    files={"a": FileRecord(2048, "0")},
)


def text(table: Table) -> str:
    said = io.StringIO()
    Console(file=said, width=240).print(table)
    return said.getvalue()


def test_a_listing() -> None:
    found = [
        Listed("first", MANIFEST, "", ("in use",)),
        Listed("bad", None, "manifest.json: is missing", ()),
        Listed("worse", MANIFEST, "a: is missing", ()),
    ]
    shown = text(tables.listing(found))
    for word in ("2.0 kiB", "42 ms", "in use", "before tuning", "damaged: manifest.json: is missing", "a: is missing"):
        assert word in shown
    assert tables.as_object(found[0])["size_bytes"] == 2048
    assert tables.as_object(found[1]) == {
        "name": "bad",
        "whole": False,
        "fault": "manifest.json: is missing",
        "pins": [],
    }


def test_all_of_one() -> None:
    shown = text(tables.shown(MANIFEST))
    for word in ("52 in 250 passages", "200 of 200 tried", "aaaaaaaaaaaa on main, 1 file changed", "images: not asked"):
        assert word in shown
    assert "no git here" in text(tables.shown(Manifest("x", 0.0, "d", "h")))


def test_a_difference() -> None:
    found = Difference(["abc second"], {"model m": (None, "sha256:bb")}, [f"d{n}" for n in range(25)], ["gone"])
    shown = text(tables.difference(found))
    for word in ("abc second", "sha256:bb", "d19", "and 5 more", "gone"):
        assert word in shown
    assert tables.difference_as_object(found)["changed"] == {"model m": [None, "sha256:bb"]}
    assert "nothing differs" in text(tables.difference(Difference([], {})))
