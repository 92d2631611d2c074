"""HTML: the text that a reader would see, written like Markdown (headings, list items, table rows).

Scripts, styles, templates, form controls and elements hidden by attribute or inline style are dropped with all that is
in them; what a style sheet hides cannot be known here. Nothing is fetched and no entity beyond HTML's own is resolved.
The tree is walked without recursion, so that depth is no danger.
"""

import re
from collections.abc import Iterator

from selectolax.lexbor import LexborHTMLParser, LexborNode

from service.corpus.loaders.cleaning import clean
from service.corpus.loaders.plain import title_of
from service.corpus.loaders.port import LoadedDocument, MediaType


def _tags(names: str) -> frozenset[str]:
    return frozenset(names.split())


_DROPPED = _tags(
    "head script style template noscript iframe object embed svg math canvas audio video map select option button "
    "input textarea datalist dialog frame frameset noframes"
)
_BLOCKS = _tags(
    "address article aside blockquote body caption center dd details div dl dt fieldset figcaption figure footer form "
    "h1 h2 h3 h4 h5 h6 header hr legend li main nav ol p pre section summary table tbody tfoot thead tr ul"
)
_HEADINGS = {f"h{level}": "#" * level + " " for level in range(1, 7)}
_CELLS = frozenset({"td", "th"})
_HIDING_STYLE = re.compile(
    r"display:none|visibility:(?:hidden|collapse)|opacity:0(?:\.0+)?(?:;|!|$)|font-size:0(?:\.0+)?(?:px|pt|em|rem|%)?(?:;|!|$)|"
    r"(?:left|top|right|text-indent):-\d{3,}|clip:rect\(0|clip-path:inset\((?:50|100)%|transform:scale\(0\)|"
    r"(?:^|;)(?:max-)?(?:width|height):0(?:px)?(?:;|!|$)"
)
_WHITE_SPACE = re.compile(r"\s+")


def load_web_page(name: str, text: str) -> LoadedDocument:
    """Text may turn out empty; the caller refuses that."""
    parser = LexborHTMLParser(text)
    title = parser.css_first("title")
    named = title.text() if title is not None else ""
    heading = parser.css_first("h1")
    if not named.strip() and heading is not None:
        named = heading.text()[:500]
    writer = _Writer()
    if parser.body is not None:
        for node, entering in _walk(parser.body):
            if entering:
                writer.enter(node)
            else:
                writer.leave(str(node.tag))
    return LoadedDocument(clean(writer.text()).strip(), MediaType.HTML, title_of(name, named))


def _walk(root: LexborNode) -> Iterator[tuple[LexborNode, bool]]:
    """Visible nodes in document order, each element a second time when it ends."""
    node: LexborNode | None = root
    while node is not None:
        descend = False
        if node.is_text_node:
            yield node, True
        elif node.is_element_node and not _is_hidden(node):
            yield node, True
            descend = node.first_child is not None
            if not descend:
                yield node, False
        if descend:
            node = node.first_child
            continue
        while node is not None and node.mem_id != root.mem_id and node.next is None:
            node = node.parent
            if node is not None:
                yield node, False
        node = None if node is None or node.mem_id == root.mem_id else node.next


def _is_hidden(node: LexborNode) -> bool:
    if node.tag in _DROPPED:
        return True
    attributes = node.attributes
    if not attributes:
        return False
    if "hidden" in attributes or (attributes.get("aria-hidden") or "").strip().lower() == "true":
        return True
    style = attributes.get("style")
    return bool(style) and bool(_HIDING_STYLE.search(_WHITE_SPACE.sub("", str(style)).lower()))


class _Writer:
    """Collects pieces of text; knows whether it stands at the start of a line."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._fresh = True
        self._pre = 0
        self._row = 0

    def enter(self, node: LexborNode) -> None:
        tag = str(node.tag)
        if node.is_text_node:
            self._write(node.text(deep=False) or "")
        elif tag == "br":
            self._break(" " if self._row else "\n")
        elif tag == "tr":
            self._break("\n")
            self._row += 1
            self._prefix("|")
        elif tag in _CELLS:
            self._put(" ")
        elif tag in _BLOCKS:
            self._break("\n" if tag == "li" else "\n\n")
            self._pre += tag == "pre"
            if not self._row:
                self._prefix(_HEADINGS.get(tag, "- " if tag == "li" else ""))

    def leave(self, tag: str) -> None:
        if tag == "tr":
            self._row -= 1
            self._break("\n")
        elif tag in _CELLS:
            self._put(" |")
        elif tag in _BLOCKS:
            self._pre -= tag == "pre"
            self._break("\n" if tag == "li" else "\n\n")

    def text(self) -> str:
        lines = (line.strip() for line in "".join(self._pieces).split("\n"))
        return "\n".join(" ".join(line.split()) if line.startswith("|") else line for line in lines)

    def _write(self, text: str) -> None:
        if self._pre and not self._row:
            self._put(text)
            return
        text = _WHITE_SPACE.sub(" ", text)
        if self._fresh:
            text = text.lstrip()
        if self._row:
            text = text.replace("|", "/")
        if text:
            self._put(text)

    def _break(self, line_end: str) -> None:
        if self._row:
            self._put(" ")
        elif self._pieces and not self._is_prefixed() and (line_end == "\n\n" or not self._fresh):
            self._put(line_end)

    def _prefix(self, prefix: str) -> None:
        if prefix:
            self._put(prefix)
            self._fresh = True

    def _is_prefixed(self) -> bool:
        return bool(self._pieces) and (self._pieces[-1] == "- " or self._pieces[-1] in _HEADINGS.values())

    def _put(self, text: str) -> None:
        self._pieces.append(text)
        self._fresh = text.endswith("\n")
