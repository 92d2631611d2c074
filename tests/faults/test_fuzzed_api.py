"""Every route of the API's description, called with what the description allows and what it does not.

No reply may be a 500, or a status, media type or shape that the description does not name.
"""

import hypothesis
import pytest
import schemathesis
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from service.app import create_app
from service.auth.principal import Scope
from service.services import HttpLimits
from tests.fakes.services import FakeGate, FakeServices

_GATE = FakeGate()
_KEY = _GATE.key(*Scope)
_LIMITS = HttpLimits(allowed_hosts=("testserver",))
_APP = create_app(FakeServices(_GATE, _LIMITS).build())
_SCHEMA = schemathesis.openapi.from_asgi("/openapi.json", _APP, headers=_KEY)
_CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    unsupported_method,
]
_SETTINGS = hypothesis.settings(
    max_examples=30,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(hypothesis.HealthCheck),
)


@_SCHEMA.parametrize()
@_SETTINGS
def test_every_reply_is_described(case: schemathesis.Case) -> None:
    case.call_and_validate(headers=_KEY, checks=_CHECKS)


def test_there_is_something_to_call() -> None:
    assert len(list(_SCHEMA.get_all_operations())) == 27


@pytest.mark.parametrize("count", ["1", "1000"])
def test_the_description_is_not_merely_lax(count: str) -> None:
    operation = _SCHEMA["/monitoring/recent"]["GET"]
    operation.Case(query={"count": count}).call_and_validate(headers=_KEY, checks=_CHECKS)
