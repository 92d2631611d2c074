"""The runbook as a page, so that the link of an alert opens where it is told: Prometheus serves it beside its own pages.

Who reads an alert has no checkout at hand, and the service may be what is down; the Prometheus that fired it is up.
"""

from itertools import pairwise

from markdown_it import MarkdownIt

_STYLE = """
body { font: 17px/1.55 system-ui, sans-serif; max-width: 48rem; margin: 2rem auto; padding: 0 1rem; color: #1b1f24; background: #fff; }
h2 { margin-top: 2.6rem; border-top: 1px solid #d0d7de; padding-top: 1rem; } h2:target { background: #fff3c4; }
code { background: #f3f4f6; padding: .1em .3em; border-radius: 4px; overflow-wrap: anywhere; }
pre { background: #f3f4f6; padding: .8rem 1rem; overflow-x: auto; border-radius: 6px; } pre code { padding: 0; overflow-wrap: normal; }
table { border-collapse: collapse; } td, th { border: 1px solid #d0d7de; padding: .3rem .6rem; text-align: left; vertical-align: top; }
a { color: #0550ae; }
@media (prefers-color-scheme: dark) {
  body { color: #e6e8ea; background: #14171a; } code, pre { background: #21262c; } a { color: #7cb7ff; }
  h2, td, th { border-color: #3d444d; } h2:target { background: #4a3b00; }
}
"""


def page(markdown: str, title: str = "Runbook") -> str:
    """A whole document. Headings have their text in lower case as anchor, as `runbook_url` wants; HTML in the text is
    shown and not followed."""
    reader = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = reader.parse(markdown)
    for heading, text in pairwise(tokens):
        if heading.type == "heading_open":
            heading.attrSet("id", anchor(text.content))
    body = reader.renderer.render(tokens, reader.options, {})
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">\n'
        f"<title>{title}</title><style>{_STYLE}</style></head>\n<body>\n{body}</body></html>\n"
    )


def anchor(heading: str) -> str:
    """What a heading is linked by, as on the usual hosts of repositories."""
    return "".join(char for char in heading.lower().replace(" ", "-") if char.isalnum() or char in "-_")
