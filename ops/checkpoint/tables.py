"""Checkpoints as tables for a terminal, and as objects for programs. Pure."""

from dataclasses import asdict
from typing import Any

from rich.table import Table

from ops.checkpoint.archive import Listed
from ops.checkpoint.differing import Difference
from ops.checkpoint.manifest import Manifest
from service.cli.wording import count, moment, plain, seconds, size

_NAMED = 20


def listing(found: list[Listed]) -> Table:
    """A line each."""
    table = Table(
        "checkpoint", "made", "documents", "size", "writers waited", "state", "note", box=None, pad_edge=False
    )
    for one in found:
        told = one.manifest
        what = "newer" if one.newer else "damaged"
        state = f"{what}: {one.fault}" if one.fault else ", ".join(one.pins) or "whole"
        if told is None:
            table.add_row(one.name, "-", "-", "-", "-", plain(state), "")
            continue
        paused = told.durations_s.get("pause")
        table.add_row(
            one.name,
            moment(told.created_at),
            f"{told.corpus.get('documents', 0):,}",
            size(told.size),
            seconds(paused) if paused is not None else "none ran",
            plain(state),
            plain(told.note),
        )
    return table


def as_object(one: Listed) -> dict[str, Any]:
    """For programs."""
    told = one.manifest
    facts = {} if told is None else {"created_at": told.created_at, "size_bytes": told.size, "note": told.note}
    return {"name": one.name, "whole": not one.fault, "fault": one.fault, "pins": list(one.pins)} | facts


def shown(manifest: Manifest) -> Table:
    """All of one."""
    table = Table("", "", box=None, pad_edge=False, show_header=False)
    for name, value in _lines(manifest):
        table.add_row(name, plain(value))
    return table


def _lines(manifest: Manifest) -> list[tuple[str, str]]:
    corpus, code = manifest.corpus, manifest.code
    lines = [
        ("name", manifest.name),
        ("made", moment(manifest.created_at)),
        ("note", manifest.note or "-"),
        ("of", f"{manifest.installation} ({manifest.environment})"),
        ("size", f"{size(manifest.size)} in {count(len(manifest.files), 'file')}"),
        ("documents", f"{corpus.get('documents', 0):,} in {count(corpus.get('chunks', 0), 'passage')}"),
        ("vectors", _vectors(corpus)),
        ("known answers", str(corpus.get("known_answers", 0))),
        ("cache", manifest.cache),
    ]
    if code is None:
        lines.append(("code", "not known: no git here"))
    else:
        differing = f", {count(len(code['changed']), 'file')} changed" if code["dirty"] else ""
        lines.append(("code", f"{code['commit'][:12]} on {code['branch']}{differing}"))
    lines += [(name, value) for name, value in manifest.tools.items()]
    lines += [(f"model {name}", digest[:19]) for name, digest in manifest.models.items()]
    lines += [(f"image {one['service']}", f"{one['image']} {one['id'][:19]}") for one in manifest.images]
    lines += [("left out", why) for why in manifest.left_out]
    lines.append(("took", ", ".join(f"{name} {seconds(value)}" for name, value in manifest.durations_s.items())))
    return lines


def difference(found: Difference) -> Table:
    """One line for each thing."""
    table = Table("", "before", "after", box=None, pad_edge=False)
    for name, (before, after) in found.changed.items():
        table.add_row(name, _word(before), _word(after))
    for line in found.commits:
        table.add_row("commit between", "", plain(line))
    for what, names in (("added", found.added), ("removed", found.removed), ("changed", found.replaced)):
        for name in names[:_NAMED]:
            table.add_row(f"document {what}", "", plain(name))
        if len(names) > _NAMED:
            table.add_row(f"document {what}", "", f"and {len(names) - _NAMED:,} more")
    if found.empty:
        table.add_row("nothing differs", "", "")
    return table


def difference_as_object(found: Difference) -> dict[str, Any]:
    """For programs."""
    return asdict(found) | {"changed": {name: list(values) for name, values in found.changed.items()}}


def _vectors(corpus: dict[str, Any]) -> str:
    if corpus.get("vectors") is None:
        return "none"
    found = f"{corpus['found_themselves']} of {corpus['looked_for']} tried find themselves"
    return f"{corpus['vectors']:,} of {corpus.get('embedder')}; {found}"


def _word(value: Any) -> str:
    return "-" if value is None else plain(value)
