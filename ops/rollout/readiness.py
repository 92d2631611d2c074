"""What `/readyz` of a service says, whatever its status. Anybody may ask."""

from collections.abc import Mapping
from typing import Any

from service.cli.drill.json_api import JsonApi
from service.cli.failures import Failure

# How long a start may take, unless told otherwise. What comes back has no less, however short a trial was to be.
READY_S = 180.0
_QUICK_S = 5.0


def unready(url: str) -> str:
    """Why it is not ready, in words; empty when it is."""
    try:
        status, told = _asked(url)
    except Failure as error:
        return ": ".join(filter(None, (error.what, error.why)))
    if status == 200:
        return ""
    needed = [str(one["name"]) for one in _dependencies(told) if one.get("required") and not one["ok"]]
    said = f"it says {told['status']}" if told.get("status") not in (None, "ready") else f"it answers with {status}"
    return said + (f", for want of {', '.join(needed)}" if needed else "")


def away(url: str) -> list[str]:
    """What it leans on and does not have. Raises `Failure`."""
    status, told = _asked(url)
    if status != 200:
        raise Failure(f"The service at {url} is not ready", unready(url))
    return [str(one["name"]) for one in _dependencies(told) if not one["ok"]]


def _asked(url: str) -> tuple[int, Mapping[str, Any]]:
    reply = JsonApi("The service", url, "", _QUICK_S).send("GET", "/readyz")
    try:
        told = reply.json()
    except ValueError:
        told = None
    return reply.status_code, told if isinstance(told, dict) else {}


def _dependencies(told: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [one for one in told.get("dependencies", ()) if isinstance(one, dict)]
