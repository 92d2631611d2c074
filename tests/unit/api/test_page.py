"""The page and its files, as they are served."""

import gzip
import re

import pytest

from service.api.page import FOLDER, POLICY, assets
from tests.unit.api.client import client_of, with_keys

MARKUP = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|setHTML"
KEPT = r"localStorage|sessionStorage|document\.cookie|indexedDB"
ELSEWHERE = r"""["'(]\s*(?:https?:)?//[\w.]"""
# The name of a language, which nobody fetches.
SVG = "http://www.w3.org/2000/svg"
ADDRESSES = ["/", "/api/", "/console/js/main.js", "/api/console/css/base.css", "/console/icon.svg"]


async def test_it_is_open_and_tells_nothing_of_this_instance() -> None:
    fakes, gate = with_keys()
    async with client_of(fakes) as client:
        reply = await client.get("/")
        head = await client.head("/")
    assert (reply.status_code, reply.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert head.status_code == 200
    assert head.headers["content-length"] == reply.headers["content-length"] or reply.headers.get("content-encoding")
    for secret in (fakes.about.version, fakes.about.environment + " ·", "secret"):
        assert secret not in reply.text
    assert not gate.seen


async def test_the_policy_allows_its_own_files_and_nothing_else() -> None:
    fakes, _ = with_keys()
    async with client_of(fakes) as client:
        reply = await client.get("/")
        script = await client.get("/console/js/main.js")
    assert reply.headers["content-security-policy"] == POLICY
    assert "default-src 'none'" in POLICY
    assert not re.search(r"unsafe|https?:|\*|data:|blob:", POLICY)
    assert "default-src 'none'" in script.headers["content-security-policy"]
    assert script.headers["x-content-type-options"] == "nosniff"


def test_the_page_has_nothing_inline_and_nothing_from_elsewhere() -> None:
    html = (FOLDER / "index.html").read_text(encoding="utf-8")
    assert not re.findall(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|javascript:", html)
    linked = re.findall(r'(?:src|href)="([^"#]+)"', html)
    assert linked
    for one in linked:
        # Without a slash before it, so that the page is also found below a prefix.
        assert one == "readyz" or one.removeprefix("console/") in assets(), one


def test_scripts_never_make_markup_of_text_and_reach_no_other_site() -> None:
    for name, one in assets().items():
        text = one.plain.decode()
        if name.endswith(".js"):
            assert not re.search(MARKUP, text), name
            assert not re.search(KEPT, text), name
        assert not re.findall(ELSEWHERE, text.replace(SVG, "")), name
        assert not re.findall(r"@import|url\(", text), name


@pytest.mark.parametrize("path", ADDRESSES)
async def test_an_unchanged_file_is_not_sent_again(path: str) -> None:
    fakes, _ = with_keys()
    async with client_of(fakes) as client:
        first = await client.get(path)
        tag = first.headers["etag"]
        again = await client.get(path, headers={"if-none-match": f'"other", {tag}'})
        changed = await client.get(path, headers={"if-none-match": '"other"'})
        any_ = await client.get(path, headers={"if-none-match": "*"})
        weak = await client.get(path, headers={"if-none-match": f"W/{tag}"})
    assert re.fullmatch(r'"[0-9a-z-]+"', tag)
    assert (first.status_code, again.status_code, changed.status_code, weak.status_code) == (200, 304, 200, 304)
    assert any_.status_code == 304
    assert again.content == b""
    for reply in (first, again):
        assert (reply.headers["cache-control"], reply.headers["etag"]) == ("no-cache", tag)
        assert reply.headers["vary"] == "accept-encoding"


@pytest.mark.parametrize(
    ("accepted", "packed"),
    [
        ("gzip", True),
        ("br, GZIP ;q=0.5", True),
        ("gzip;q=0", False),
        ("gzip; q=0.000", False),
        ("identity", False),
        ("", False),
    ],
)
async def test_it_is_packed_for_those_who_can_unpack(accepted: str, packed: bool) -> None:
    fakes, _ = with_keys()
    async with client_of(fakes) as client:
        reply = await client.get("/console/js/words.js", headers={"accept-encoding": accepted})
    assert (reply.headers.get("content-encoding") == "gzip") is packed
    assert reply.content == (FOLDER / "js" / "words.js").read_bytes()
    assert reply.headers["etag"].endswith('-gzip"') is packed


def test_packed_files_are_the_same_files() -> None:
    for one in assets().values():
        assert gzip.decompress(one.packed) == one.plain
    assert len({one.tag for one in assets().values()}) == len(assets())


@pytest.mark.parametrize(
    "path",
    ["/console/", "/console/none.js", "/console/index.html", "/console/../api/page.py", "/console/%2e%2e/api/page.py"],
)
async def test_nothing_else_is_served(path: str) -> None:
    fakes, _ = with_keys()
    async with client_of(fakes) as client:
        reply = await client.get(path)
    assert reply.status_code == 404
    assert reply.json()["kind"] == "not_found"


def test_files_are_small_enough_to_be_read() -> None:
    for file in FOLDER.rglob("*.*"):
        assert file.suffix in (".html", ".css", ".js", ".svg"), f"{file.name} is of no type that is served"
        lines = file.read_text(encoding="utf-8").splitlines()
        assert len(lines) <= 400, file.name
        if file.suffix == ".js":
            assert lines[0].startswith("/** "), f"{file.name} does not say what it is for"
