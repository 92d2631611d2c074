"""Scopes."""

import pytest

from service.auth.principal import LOCAL, Principal, Scope
from service.errors import ErrorKind, Forbidden


def test_a_scope_is_needed_and_none_implies_another() -> None:
    admin = Principal("1", "ops", frozenset({Scope.ADMIN}))
    admin.require(Scope.ADMIN)
    for scope in (Scope.ASK, Scope.INGEST, Scope.MONITOR):
        with pytest.raises(Forbidden, match=f"no `{scope}` scope") as caught:
            admin.require(scope)
        assert caught.value.kind is ErrorKind.FORBIDDEN


def test_where_no_key_is_asked_for_everything_is_allowed() -> None:
    for scope in Scope:
        LOCAL.require(scope)
    assert LOCAL.tenant == "default"
