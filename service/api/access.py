"""What every route starts with: the services, who asks, and the body; in this order, so that nobody without a key gets
a byte of a body read."""

from collections.abc import AsyncIterator, Awaitable, Callable

from fastapi import Request, Security
from fastapi.security import HTTPBearer

from service.auth.principal import Principal, Scope
from service.errors import ErrorKind, Forbidden, ServiceError, Unauthorized
from service.services import Services

_SCHEME = HTTPBearer(
    scheme_name="key", auto_error=False, description="An API key: `emini-rag keys create`. Not needed in open mode."
)
_RETRY_AFTER_S = 5.0


def services_of(request: Request) -> Services:
    """What `create_app` was given."""
    services: Services = request.app.state.services
    return services


async def admitted(request: Request, *scopes: Scope) -> Principal:
    """Who asks; one of `scopes` is enough. Raises `Unauthorized`, `Forbidden`."""
    values = request.headers.getlist("authorization")
    if len(values) > 1:
        raise Unauthorized("send one Authorization header, not several")
    principal = await services_of(request).gate.admit(values[0] if values else None)
    if scopes and principal.scopes.isdisjoint(scopes):
        names = " or ".join(f"`{scope}`" for scope in scopes)
        raise Forbidden(f"this key has no {names} scope; use one that has, or create it with that scope")
    return principal


def needs(*scopes: Scope) -> Callable[..., Awaitable[None]]:
    """The same as a dependency, for routes that FastAPI calls; it also puts the key into the API's description."""

    async def check(request: Request, _: object = Security(_SCHEME)) -> None:
        await admitted(request, *scopes)

    return check


def refuse_when_stopping(services: Services) -> None:
    """New work is not begun on the way out. Raises `ServiceError` (SHUTTING_DOWN)."""
    if services.draining.draining:
        detail = "the service is stopping and takes nothing new; ask again in a moment"
        raise ServiceError(ErrorKind.SHUTTING_DOWN, detail, retry_after_s=_RETRY_AFTER_S)


async def body_parts(request: Request) -> AsyncIterator[bytes]:
    """The body as it arrives, within its bounds. Raises `ServiceError` (CANCELLED) when it breaks off."""
    while True:
        message = await request.receive()
        if message["type"] != "http.request":
            raise ServiceError(ErrorKind.CANCELLED, "the client left before its request was complete")
        yield message.get("body", b"")
        if not message.get("more_body", False):
            return


async def whole_body(request: Request) -> bytes:
    """For small bodies."""
    return b"".join([part async for part in body_parts(request)])
