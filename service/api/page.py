"""`GET /`: one small page that says what this is, whether it works, and how to ask it something. No script."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from html import escape

from fastapi import APIRouter, Request, Response

from service.alert_receivers import AlertDelivery
from service.api.access import services_of
from service.errors import Dependency
from service.services import About, DependencyStatus

router = APIRouter(include_in_schema=False)

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 44rem; margin: 3rem auto; padding: 0 1rem; color: #1b1f24; }
h1 { margin-bottom: 0; } .what { color: #57606a; margin-top: .25rem; }
pre { background: #f3f4f6; padding: .8rem 1rem; overflow-x: auto; border-radius: 6px; }
li.away { color: #9a3412; } a { color: #0550ae; }
@media (prefers-color-scheme: dark) {
  body { background: #14171a; color: #e6e8ea; } .what { color: #9aa4ad; } pre { background: #21262c; }
  li.away { color: #fdba74; } a { color: #7cb7ff; }
}
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_CSP = f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'; "
_HEADERS = {"content-security-policy": _CSP + "frame-ancestors 'none'"}
_LINKS = (
    ("/readyz", "readiness"),
    ("/documents", "documents"),
    ("/monitoring/performance", "performance"),
    ("/monitoring/recent", "recent questions"),
    ("/monitoring/slow", "slow questions"),
    ("/monitoring/models", "models"),
    ("/monitoring/cache", "caches"),
    ("/metrics", "metrics"),
    ("/openapi.json", "API description"),
)

_WITHOUT: Mapping[str, str] = {
    Dependency.OLLAMA: "or without a model; until `emini-rag models pull --all` has run, answers are quotations"
}
_ALERTS: Mapping[AlertDelivery, str] = {
    AlertDelivery.OFF: (
        "<li>alerts: none, for nothing watches this service (<code>make stack</code> or <code>make up</code> starts "
        "what does)</li>"
    ),
    AlertDelivery.NOBODY: (
        '<li class="away">alerts: they fire and <strong>nobody is told</strong>; say who is in '
        "<code>ALERT_RECEIVERS</code>, see prometheus/receivers/README.md</li>"
    ),
    AlertDelivery.TOLD: "<li>alerts: told</li>",
}
_ADVICE = """
<p>What to do says <code>emini-rag doctor</code>; in Compose
<code>docker compose exec rag-service emini-rag doctor</code>, and so for the other commands.</p>"""


@router.head("/")
@router.get("/")
async def page(request: Request) -> Response:
    """Open to everybody; it tells no more than `/readyz`."""
    services = services_of(request)
    statuses = await services.probes.check()
    html = page_html(services.about, statuses, str(request.base_url).rstrip("/"), services.draining.draining)
    return Response(html.encode(), headers=_HEADERS, media_type="text/html; charset=utf-8")


def page_html(about: About, statuses: Sequence[DependencyStatus], base_url: str, stopping: bool) -> str:
    """Everything that is not ours is escaped."""
    ready = all(one.ok for one in statuses if one.required)
    state = "stopping" if stopping else "ready" if ready else "not ready"
    rows = "".join(_row(one) for one in statuses)
    fine = all(one.ok for one in statuses) and about.alerts is not AlertDelivery.NOBODY
    advice = "" if fine else _ADVICE
    links = " · ".join(f'<a href="{path}">{name}</a>' for path, name in _LINKS)
    body = '{"query": "What is momentum trading?"}'
    command = f"curl -s {base_url}/ask -H 'content-type: application/json' \\\n  -d '{body}'"
    name = f"{escape(about.service)} {escape(about.version)}"
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{name}</title><style>{_STYLE}</style></head>
<body><h1>{name}</h1>
<p class="what">Answers questions from your own documents, and says where every second went.
This is the {escape(about.environment)} instance; it is <strong>{state}</strong>.</p>
<ul>{rows}{_ALERTS[about.alerts]}</ul>{advice}
<p>Ask it:</p><pre>{escape(command)}</pre>
<p>Any OpenAI-compatible client works too, with the base address <code>{escape(base_url)}/v1</code>
and the model <code>auto</code>.</p>
<p>{links}</p></body></html>
"""


def _row(status: DependencyStatus) -> str:
    if status.ok:
        return f"<li>{escape(status.name)}: there</li>"
    meaning = "needed" if status.required else _WITHOUT.get(status.name, "the service answers without it")
    return f'<li class="away">{escape(status.name)}: away ({meaning})</li>'
