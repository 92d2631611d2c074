"""A report as HTML."""

import re
from html.parser import HTMLParser

from ops.compare.document import Document, Grid, Section
from ops.compare.page import render

HOSTILE = "<img src=http://evil/x onerror=alert(1)> & \x1b[31m \"quoted\" 'too'"


class Reader(HTMLParser):
    """Reads a page: `open` elements must be closed in order; `tags` and `attributes` are what was seen."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def page(**changes: str) -> str:
    grid = Grid(("question", HOSTILE), ((HOSTILE, HOSTILE),), prose=True)
    sections = (
        Section(HOSTILE, (HOSTILE,), grid),
        Section("Times", (), None, ('<svg role="img"><title>t</title></svg>',)),
    )
    return render(Document(changes.get("title", HOSTILE), HOSTILE, "bad", (HOSTILE,), sections))


def test_it_is_well_formed_and_needs_nothing_else() -> None:
    reader = Reader(page())
    assert reader.open == []
    assert not {"script", "img", "link", "iframe", "object"} & set(reader.tags)
    assert [name for name, _ in reader.attributes if name in {"src", "href"} or name.startswith("on")] == []
    assert "url(" not in page()
    assert "default-src 'none'" in page()


def test_text_of_others_stays_text() -> None:
    reader = Reader(page())
    assert reader.text.count("<img src=http://evil/x") >= 6
    assert "\x1b" not in reader.text


def test_it_can_be_heard() -> None:
    told = page(title="A and B")
    reader = Reader(told)
    assert ("lang", "en") in reader.attributes
    assert {value for name, value in reader.attributes if name == "scope"} == {"col", "row"}
    assert ("tabindex", "0") in reader.attributes
    assert reader.tags.count("main") == reader.tags.count("h1") == 1


def test_a_table_without_heads_has_no_empty_ones_and_figures_stay_on_a_line() -> None:
    grid = Grid(("", ""), (("rounds", "4"), ("models", "m" * 50)))
    told = render(Document("t", "v", "none", (), (Section("s", (), grid),), subject="B against <A>"))
    assert "<thead" not in told
    assert '<td class="figure">4</td>' in told
    assert f"<td>{'m' * 50}</td>" in told
    assert '</div>\n<p class="subject">B against &lt;A&gt;</p>' in told


def test_light_and_dark_name_the_same_colours() -> None:
    light, dark = (set(re.findall(r"--(\w+):", block)) for block in re.findall(r":root\{([^}]*)\}", page()))
    assert light == dark
    used = set(re.findall(r"var\(--(\w+)\)", page()))
    assert used <= light
