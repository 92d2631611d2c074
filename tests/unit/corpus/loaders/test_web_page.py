"""HTML: what a reader sees, and nothing else."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.corpus.loaders.web_page import load_web_page

PAGE = """<!doctype html><html><head><title> My
 page </title><style>p{color:red}</style></head><body>
<h1>Stops</h1><p>A stop <b>limits</b>
   the loss.<br>Always.</p>
<ul><li>one</li><li><p>two</p></li></ul>
<table><tr><th>a</th><th>b</th></tr><tr><td>1 | 2</td><td><p>3</p><p>4</p></td></tr></table>
<pre>x = 1
y = 2</pre><span>in</span><span>line</span> &lt;tag&gt; &auml; &unknown;</body></html>"""


def test_structure_becomes_markdown() -> None:
    document = load_web_page("a.html", PAGE)
    assert document.title == "My page"
    assert document.text == (
        "# Stops\n\nA stop limits the loss.\nAlways.\n\n- one\n- two\n\n| a | b |\n| 1 / 2 | 3 4 |\n\n"
        "x = 1\ny = 2\n\ninline <tag> ä &unknown;"
    )


@pytest.mark.parametrize(
    "hidden",
    [
        "<script>evil</script>",
        "<style>evil</style>",
        "<template>evil</template>",
        "<noscript>evil</noscript>",
        "<!-- evil -->",
        "<svg><text>evil</text></svg>",
        "<p hidden>evil</p>",
        '<p hidden="until-found">evil</p>',
        '<p aria-hidden="true">evil</p>',
        '<p style="display: none">evil</p>',
        '<p style="DISPLAY:NONE !important">evil</p>',
        '<p style="visibility :hidden">evil</p>',
        '<p style="opacity:0">evil</p>',
        '<p style="font-size:0px">evil</p>',
        '<p style="position:absolute;left:-9999px">evil</p>',
        '<div style="display:none"><p>evil <b>evil</b></p></div>',
        "<textarea>evil</textarea>",
        '<input value="evil">',
        "<iframe>evil</iframe>",
    ],
)
def test_what_is_hidden_is_dropped(hidden: str) -> None:
    assert load_web_page("a.html", f"<p>before</p>{hidden}<p>after</p>").text == "before\n\nafter"


def test_what_only_looks_hidden_stays() -> None:
    page = '<p style="opacity:0.5">a</p><p style="font-size:0.9em">b</p><p aria-hidden="false">c</p><p style="">d</p>'
    assert load_web_page("a.html", page).text == "a\n\nb\n\nc\n\nd"


def test_titles() -> None:
    assert load_web_page("x/a.html", "<h1>Head</h1>text").title == "Head"
    assert load_web_page("x/a.html", "<p>text</p>").title == "a"


def test_entities_of_a_document_type_are_not_resolved() -> None:
    page = '<!DOCTYPE html [<!ENTITY x SYSTEM "file:///etc/passwd"><!ENTITY y "boom">]><html><p>&x;&y;</p></html>'
    assert "boom" not in load_web_page("a.html", page).text.replace('<!ENTITY y "boom">', "")
    assert "root:" not in load_web_page("a.html", page).text


def test_depth_is_no_danger() -> None:
    assert load_web_page("a.html", "<b>" * 20_000 + "deep").text == "deep"


@settings(deadline=None)
@given(
    st.lists(
        st.text(max_size=5) | st.sampled_from(["<p>", "</p>", "<tr>", "<li>", "<td>", "<pre>", "<!--", "&lt;", "<"])
    )
)
def test_any_markup_is_read(pieces: list[str]) -> None:
    document = load_web_page("a.html", "".join(pieces))
    assert document.title and document.text == document.text.strip()
