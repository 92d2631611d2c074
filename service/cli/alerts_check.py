"""What `doctor` says of alerts: whether there are any, and whether those who are named can be told.

Who is named is known to whatever started Prometheus, and so to the running service; a shell beside it need not know. So
the service is asked first. Never more than a warning: answers do not depend on it.
"""

from pathlib import Path

import httpx

from service.alert_receivers import PEOPLE, RECEIVERS, AlertDelivery, delivery, named
from service.cli.client import address_of
from service.cli.finding import Finding, State
from service.cli.wording import plain
from service.settings import Settings

# Of the checkout that this is a part of. In an image there is none: there Alertmanager has the files, and nobody else.
FOLDER = Path(__file__).resolve().parents[2] / "prometheus" / "receivers"
_NAME = "alerts"
_GUIDE = "prometheus/receivers/README.md says how"
_TIMEOUT_S = 1.5


async def alerts(settings: Settings, folder: Path = FOLDER) -> list[Finding]:
    """One finding for all, and one for each receiver that cannot be told."""
    told = await _said_by_service(settings)
    state = delivery(settings.alert_receivers) if told is None else told
    names = named(settings.alert_receivers)
    unusable = [finding for name in names if (finding := _unusable(name, folder)) is not None]
    return [_of_all(state, names), *unusable]


def _of_all(state: AlertDelivery, names: tuple[str, ...]) -> Finding:
    if state is AlertDelivery.OFF:
        todo = "`make stack`, or `make up` in Docker, starts Prometheus and the rest."
        return Finding(_NAME, State.INFO, "none: nothing watches this service", todo)
    if state is AlertDelivery.NOBODY:
        todo = f"Name who is in ALERT_RECEIVERS ({', '.join(PEOPLE)}) and start again: {_GUIDE}."
        return Finding(_NAME, State.WARNING, "they fire, and nobody is told", todo)
    known = ", ".join(name for name in names if name in RECEIVERS)
    return Finding(_NAME, State.OK, f"told by {known}" if known else "told, says the service")


def _unusable(name: str, folder: Path) -> Finding | None:
    if name not in RECEIVERS:
        todo = f"Correct ALERT_RECEIVERS; there are {', '.join(RECEIVERS)}."
        return Finding(_NAME, State.WARNING, f"{plain(name)} is no receiver", todo)
    file = RECEIVERS[name]
    if not file or not folder.is_dir():
        return None
    problem = _problem(folder / file)
    if not problem:
        return None
    return Finding(_NAME, State.WARNING, f"{name} cannot be told: {problem}", f"Put its address there: {_GUIDE}.")


def _problem(file: Path) -> str:
    try:
        return "" if file.read_text(encoding="utf-8").strip() else f"{file} is empty"
    except FileNotFoundError:
        return f"{file} is not there"
    except (OSError, ValueError) as error:
        return f"{file} cannot be read ({getattr(error, 'strerror', None) or 'no text'})"


async def _said_by_service(settings: Settings) -> AlertDelivery | None:
    """None when no service of ours answers, or none that knows."""
    if not settings.server.port:
        return None
    try:
        async with httpx.AsyncClient(timeout=_TIMEOUT_S, trust_env=False) as client:
            # Ready or not: it says so with its status, and the rest in either case.
            reply = await client.get(f"{address_of(settings)}/readyz")
        return AlertDelivery(reply.json()["alerts"])
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, TypeError, KeyError):
        return None
