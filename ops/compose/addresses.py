"""What a user reads once everything is up."""

from collections.abc import Iterator, Mapping, Sequence

from ops.compose.files import Installation
from ops.compose.host_ports import Wanted

_WHAT = {
    "rag-service": "questions, documents, and their page",
    "frontend": "the page, through nginx",
    "grafana": "dashboards",
    "prometheus": "metrics and rules",
    "alertmanager": "alerts",
    "tempo": "traces",
    "collector": "spans are sent here",
    "chromadb": "vectors",
    "ollama": "models",
}
_EVERYWHERE = ("0.0.0.0", "::", "")  # noqa: S104 # what is bound is the user's choice; here it is only shown


def table(ports: Sequence[Wanted]) -> Iterator[str]:
    """One line for each address, those for people first."""
    order = list(_WHAT)
    roles = {one: one.container.removesuffix("-dev") for one in ports}
    for one in sorted(ports, key=lambda one: (order.index(roles[one]) if roles[one] in order else 99, one.port)):
        yield f"  {url(one):32} {one.container:18} {_WHAT.get(roles[one], '')}".rstrip()


def url(port: Wanted) -> str:
    """How somebody on this host reaches it."""
    return f"http://{'localhost' if port.address in (*_EVERYWHERE, '127.0.0.1') else port.address}:{port.port}"


def next_steps(installation: Installation, ready: Mapping[str, object] | None) -> Iterator[str]:
    """What remains to be done. `ready` is the service's own answer to /readyz, None when there was none."""
    run = "docker compose" if installation.name == "production" else f"docker compose -f {installation.file}"
    if not _is_well(ready, "ollama"):
        yield "Answers are extractive until there are models. To load all five, about 30 GB:"
        yield f"  {run} exec {installation.service} emini-rag models pull --all"
    yield "Grafana's user is admin; its password, until it is changed there:"
    yield f"  {run} exec {installation.grafana} cat /run/grafana/admin_password"


def _is_well(ready: Mapping[str, object] | None, name: str) -> bool:
    dependencies = (ready or {}).get("dependencies")
    found = [one for one in dependencies if one.get("name") == name] if isinstance(dependencies, list) else []
    return bool(found) and all(one.get("ok") for one in found)
