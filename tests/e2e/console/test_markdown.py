"""The answer's Markdown as elements: what is drawn, what stays text, and that no text takes long."""

from playwright.sync_api import Page

from tests.e2e.console.conftest import Stand, Visits

# Far above what anything takes, so that only a hang ends in failure.
HANG_MS = 10_000
_DRAW = """async (text) => {
  const {markdown} = await import(new URL("console/js/markdown.js", document.baseURI).href);
  const mark = (number) => Object.assign(document.createElement("b"), {textContent: `<${number}>`});
  const cite = (number) => (number <= 2 ? mark(number) : null);
  const place = document.createElement("div");
  const began = performance.now();
  place.append(...markdown(text, cite));
  return [place.innerHTML, performance.now() - began];
}"""
CASES = (
    ("", ""),
    ("one\ntwo\n\nthree", "<p>one\ntwo</p><p>three</p>"),
    ("# Title\ntext", "<h3>Title</h3><p>text</p>"),
    ("### Deeper", "<h4>Deeper</h4>"),
    ("#no title", "<p>#no title</p>"),
    ("a **b** *c* `d`", "<p>a <strong>b</strong> <em>c</em> <code>d</code></p>"),
    ("**bold with *weak* in it**", "<p><strong>bold with <em>weak</em> in it</strong></p>"),
    ("2 * 3 * 4 and snake_case_name", "<p>2 * 3 * 4 and snake_case_name</p>"),
    ("- a\n- b\n  more\n\nend", "<ul><li>a</li><li>b more</li></ul><p>end</p>"),
    ("3. a\n4. b", '<ol start="3"><li>a</li><li>b</li></ol>'),
    ("1. a\n- b", "<ol><li>a</li></ol><ul><li>b</li></ul>"),
    ("> said\n> so", "<blockquote>said\nso</blockquote>"),
    ("```py\n<b>\n```\nx", '<pre tabindex="0" aria-label="Code"><code>&lt;b&gt;</code></pre><p>x</p>'),
    ("```\nstill open", '<pre tabindex="0" aria-label="Code"><code>still open</code></pre>'),
    ("it is so [1][2], not [3]", "<p>it is so <b>&lt;1&gt;</b><b>&lt;2&gt;</b>, not [3]</p>"),
    ("[label](https://a.example/x)", "<p>label (https://a.example/x)</p>"),
    ("[](javascript:alert(1))", "<p>javascript:alert(1)</p>"),
    ('![p](https://a.example/p.png "t")', "<p>p (https://a.example/p.png)</p>"),
    ("<img src=x onerror=alert(1)>", "<p>&lt;img src=x onerror=alert(1)&gt;</p>"),
    ("a\r\nb", "<p>a\nb</p>"),
)
HUGE = ("`", "*", "**", "**a", "[", "![](", "[a](", "#", "# #", "> ", "- ", "a ", "\n", " ", "```", "1. ", "*a ")


def drawn(page: Page, text: str) -> tuple[str, float]:
    html, took_ms = page.evaluate(_DRAW, text)
    return str(html), float(took_ms)


def test_what_is_drawn(stand: Stand, visits: Visits) -> None:
    page = visits(stand.url).open()
    found = {text: drawn(page, text)[0] for text, _ in CASES}
    assert found == dict(CASES)


def test_no_text_takes_long(stand: Stand, visits: Visits) -> None:
    page = visits(stand.url).open()
    for piece in HUGE:
        for text in (piece * (40_000 // len(piece)), piece * (40_000 // len(piece)) + "x"):
            assert drawn(page, text)[1] < HANG_MS, piece
