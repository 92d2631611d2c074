"""A report as one HTML file that needs nothing else: no script, no request, light and dark, readable by ear. Pure."""

from html import escape

from ops.compare.document import Document, Grid, Section
from service.cli.wording import plain

_STYLE = """
:root{color-scheme:light dark;--paper:#fff;--ink:#1d2430;--dim:#5a6472;--line:#d5dae1;--base:#2f6fb3;--cand:#b5530f;
--good:#1c7a45;--bad:#b3261e;--band:#eef1f5}
@media(prefers-color-scheme:dark){:root{--paper:#14181f;--ink:#e6e9ee;--dim:#a3adba;--line:#38414d;--base:#7db4ee;
--cand:#f0a263;--good:#67c98f;--bad:#ff8a80;--band:#1f2630}}
*{box-sizing:border-box}
body{margin:0 auto;padding:1.5rem;max-width:76rem;background:var(--paper);color:var(--ink);
font:1rem/1.5 system-ui,sans-serif}
h1{font-size:1.5rem}h2{margin-top:2.2rem;font-size:1.2rem;border-bottom:1px solid var(--line)}
.verdict{margin:1rem 0;padding:.8rem 1rem;border:1px solid var(--line);
border-left:.5rem solid var(--dim);background:var(--band)}
.verdict strong{font-size:1.4rem}.verdict.good{border-left-color:var(--good)}.verdict.bad{border-left-color:var(--bad)}
.subject{color:var(--dim);overflow-wrap:anywhere}
.wide{overflow-x:auto}table{border-collapse:collapse;margin:.6rem 0;font-size:.86rem}
th,td{padding:.25rem .5rem;border-bottom:1px solid var(--line);text-align:right;
vertical-align:top;font-variant-numeric:tabular-nums}
th:first-child,td:first-child,.prose th,.prose td{text-align:left}thead th{color:var(--dim)}
.figure{white-space:nowrap}
.prose td{min-width:14rem;overflow-wrap:anywhere;white-space:pre-wrap}
.drawings{display:flex;flex-wrap:wrap;gap:1rem}svg{max-width:100%;height:auto;font:13px system-ui,sans-serif}
svg text{fill:var(--ink)}svg .dim{fill:var(--dim)}svg .axis{stroke:var(--line);fill:none}svg .one{stroke:var(--dim)}
svg .band{fill:var(--band)}svg .base{stroke:var(--base);fill:none;stroke-width:2}
svg .cand{stroke:var(--cand);fill:none;stroke-width:2;stroke-dasharray:5 3}svg .basefill{fill:var(--base)}
svg .candfill{fill:var(--cand)}svg .range{stroke:var(--ink);stroke-width:2}svg .dot{fill:var(--ink)}
@media print{body{max-width:none}.wide{overflow:visible}table{font-size:.7rem}th,td{padding:.15rem .3rem}
.figure{white-space:normal}svg,tr{break-inside:avoid}}
"""
# A figure with its interval stays on one line; what is longer is a list.
_FIGURE_CHARS = 40
_SAFE = "default-src 'none'; style-src 'unsafe-inline'"


def render(document: Document) -> str:
    """The whole file."""
    title = _text(document.title)
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width,initial-scale=1">',
        f'<meta http-equiv="content-security-policy" content="{_SAFE}">',
        f"<title>{title}: {_text(document.verdict)}</title><style>{_STYLE}</style></head><body><main>",
        f"<h1>{title}</h1>",
        f'<div class="verdict {document.mood}"><strong>{_text(document.verdict)}</strong>',
        *(f"<p>{_text(sentence)}</p>" for sentence in document.summary),
        "</div>",
        *([f'<p class="subject">{_text(document.subject)}</p>'] if document.subject else []),
        *map(_section, document.sections),
        "</main></body></html>",
    ]
    return "\n".join(parts) + "\n"


def _section(section: Section) -> str:
    parts = [f"<section><h2>{_text(section.title)}</h2>", *(f"<p>{_text(one)}</p>" for one in section.sentences)]
    if section.drawings:
        parts.append(f'<div class="drawings">{"".join(section.drawings)}</div>')
    if section.grid is not None:
        parts.append(_table(section.title, section.grid))
    return "\n".join([*parts, "</section>"])


def _table(title: str, grid: Grid) -> str:
    head = "".join(f'<th scope="col">{_text(cell)}</th>' for cell in grid.head)
    above = f"<thead><tr>{head}</tr></thead>" if any(grid.head) else ""
    cell = _prose if grid.prose else _figure
    rows = "\n".join(f'<tr><th scope="row">{_text(row[0])}</th>{"".join(map(cell, row[1:]))}</tr>' for row in grid.rows)
    kind = ' class="prose"' if grid.prose else ""
    # Wide tables scroll by keyboard too.
    return (
        f'<div class="wide" tabindex="0" role="region" aria-label="{_text(title)}"><table{kind}>'
        f"{above}<tbody>{rows}</tbody></table></div>"
    )


def _prose(cell: str) -> str:
    return f"<td>{_text(cell)}</td>"


def _figure(cell: str) -> str:
    return f'<td class="figure">{_text(cell)}</td>' if len(cell) <= _FIGURE_CHARS else _prose(cell)


def _text(text: str) -> str:
    return escape(plain(text))
