"""`GET /session`: who is asking, and what they may do; for the page, which shows only what its key allows."""

from fastapi import APIRouter, Depends, Request, Response

from service.api.access import admitted, needs, services_of
from service.api.answers import SessionShape
from service.api.direct import refusals
from service.api.wire import json_response
from service.auth.principal import Scope

router = APIRouter(tags=["health"])


@router.get(
    "/session",
    summary="Who is asking, and what they may do",
    dependencies=[Depends(needs())],
    responses={200: {"model": SessionShape}, **refusals(401, 403)},
)
async def session(request: Request) -> Response:
    """For every valid key, whatever its scopes; where no key is asked for, everybody is `local` with all of them."""
    principal = await admitted(request)
    about = services_of(request).about
    return json_response(
        {
            "name": principal.name,
            "scopes": [scope.value for scope in Scope if scope in principal.scopes],
            "service": about.service,
            "version": about.version,
            "environment": about.environment,
        }
    )
