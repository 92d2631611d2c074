"""How a container starts, is seen to be well, and ends."""

import re
from collections.abc import Iterator

from ops.compose.container import Container

# Measured, or the sum of its own waits: what ending in good order takes, in seconds, by role.
NEEDED_S = {"tempo": 33, "rag-service": 13, "ollama": 10, "prometheus": 15}
_DURATION = re.compile(r"(?:(\d+)m)?(?:(\d+)s)?")


def health(container: Container) -> Iterator[str]:
    """Asked by the container itself, with what its image holds."""
    given = container.body.get("healthcheck") or {}
    if given.get("disable") or given.get("test") in (["NONE"], "NONE"):
        yield "its health is not checked"
    elif not given.get("test") and not _checked_by_image(container):
        yield "its health is not checked: healthcheck, or HEALTHCHECK in its Dockerfile"


def restarts(container: Container) -> Iterator[str]:
    """After a crash and after the host started again."""
    if container.body.get("restart") not in ("unless-stopped", "always"):
        yield "it stays down after a crash: restart: unless-stopped"


def waits(container: Container) -> Iterator[str]:
    """For what it needs, until that is well. The short form waits for a process only."""
    needs = container.body.get("depends_on") or {}
    if not isinstance(needs, dict):
        yield "it does not wait until what it needs is well: depends_on with a condition"
        return
    for name, how in needs.items():
        if not (how or {}).get("condition"):
            yield f"it does not say for what of {name} it waits: condition"


def ends_in_time(container: Container) -> Iterator[str]:
    """Docker kills after 10 s unless told otherwise."""
    needed = NEEDED_S.get(container.role, 0)
    given = container.body.get("stop_grace_period")
    match = _DURATION.fullmatch(str(given or ""))
    if given is None or match is None:
        yield "it does not say how long its end may take: stop_grace_period"
    elif (allowed := int(match[1] or 0) * 60 + int(match[2] or 0)) < needed:
        yield f"it is killed after {allowed} s and needs {needed} s to end in good order"


def _checked_by_image(container: Container) -> bool:
    dockerfile = container.dockerfile
    return dockerfile is not None and dockerfile.exists() and "\nHEALTHCHECK " in dockerfile.read_text(encoding="utf-8")
