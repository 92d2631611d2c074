"""`GET /` and `/console/...`: the page, as files that are sent as they are.

Open to everybody: they hold nothing but the page itself, which asks the other routes with the key that it is given. The
files are read once, are small, and are asked about again at each visit (`no-cache` with a strong ETag), so that a page
and the service behind it are never of two versions.
"""

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fastapi import APIRouter, Request, Response

from service.errors import NotFound

router = APIRouter(include_in_schema=False)

FOLDER = Path(__file__).parents[1] / "console"
_INDEX = "index.html"
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
# Scripts and styles of our own files alone; no markup from strings, whoever made them.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)


@dataclass(frozen=True, slots=True)
class Asset:
    """One file, as it is and packed. `tag` is of the content, without quotes."""

    media_type: str
    plain: bytes
    packed: bytes
    tag: str


@router.head("/")
@router.get("/")
async def page(request: Request) -> Response:
    """It tells nobody more than `/readyz` does before a key is given."""
    headers = {"content-security-policy": POLICY, "cross-origin-opener-policy": "same-origin"}
    return _reply(request, assets()[_INDEX], headers)


@router.get("/console/{name:path}")
async def asset(request: Request, name: str) -> Response:
    """A file that the page loads. Raises `NotFound`."""
    found = assets().get(name)
    if found is None or name == _INDEX:
        raise NotFound("the page has no such file; load it again, it may be of an older version")
    return _reply(request, found, {})


@cache
def assets() -> Mapping[str, Asset]:
    """Every file of the page by its path below `console/`."""
    files = sorted(file for file in FOLDER.rglob("*") if file.suffix in _TYPES)
    return {file.relative_to(FOLDER).as_posix(): _read(file) for file in files}


def _read(file: Path) -> Asset:
    content = file.read_bytes()
    tag = hashlib.sha256(content).hexdigest()[:24]
    return Asset(_TYPES[file.suffix], content, gzip.compress(content, mtime=0), tag)


def _reply(request: Request, found: Asset, headers: Mapping[str, str]) -> Response:
    packed = _accepts_gzip(request.headers.get("accept-encoding", ""))
    # Two encodings are two representations, and a strong tag is of one.
    tag = f'"{found.tag}-gzip"' if packed else f'"{found.tag}"'
    told = {**headers, "etag": tag, "cache-control": "no-cache", "vary": "accept-encoding"}
    if _has(request.headers.get("if-none-match", ""), tag):
        return Response(status_code=304, headers=told)
    if packed:
        told["content-encoding"] = "gzip"
    return Response(found.packed if packed else found.plain, headers=told, media_type=found.media_type)


def _has(known: str, tag: str) -> bool:
    """Compared as RFC 9110 says for this header: weakly."""
    return any(one.strip().removeprefix("W/") in (tag, "*") for one in known.split(","))


def _accepts_gzip(accepted: str) -> bool:
    for one in accepted.lower().split(","):
        name, _, quality = one.partition(";")
        if name.strip() == "gzip":
            return quality.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False
