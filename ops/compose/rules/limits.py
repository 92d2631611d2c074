"""How much of the host a container may take."""

from collections.abc import Iterator

from ops.compose.container import Container
from ops.compose.files import interpolate

_SIZE = "size="


def memory(container: Container) -> Iterator[str]:
    """Else the kernel ends whichever process it likes."""
    if not _resolved(container, "mem_limit").strip("0"):
        yield "its memory has no limit: mem_limit"


def processes(container: Container) -> Iterator[str]:
    """Against a fork bomb."""
    given = _resolved(container, "pids_limit")
    if not given.isdecimal() or int(given) == 0:
        yield "its processes have no limit: pids_limit"


def processor(container: Container) -> Iterator[str]:
    """At most one core by default: Docker refuses more than the host has."""
    given = _resolved(container, "cpus")
    try:
        cores = float(given or 0)
    except ValueError:
        cores = 0.0
    if cores <= 0:
        yield "its share of the processor has no limit: cpus"
    elif cores > 1:
        yield f"{given} processors are more than a small host has, and Docker refuses that: at most 1.0"


def scratch(container: Container) -> Iterator[str]:
    """A place for temporary files, which counts as its memory and so has a size."""
    given = container.body.get("tmpfs") or ()
    places = {str(one).partition(":")[0]: str(one) for one in ([given] if isinstance(given, str) else given)}
    if "/tmp" not in places:  # noqa: S108 # in the container
        yield "it has no place for temporary files: tmpfs: [/tmp:size=...]"
    for place, text in places.items():
        if _SIZE not in text:
            yield f"{place} may grow to half of the host's memory: tmpfs with size="


def logs(container: Container) -> Iterator[str]:
    """Else they fill the disk."""
    options = (container.body.get("logging") or {}).get("options") or {}
    if not options.get("max-size") or not options.get("max-file"):
        yield "its log grows for ever: logging with max-size and max-file"


def _resolved(container: Container, key: str) -> str:
    return interpolate(str(container.body.get(key, "")), container.variables)
