"""Models that are simply there."""

import pytest

from service.errors import UnknownModel
from service.routing.fixed import FixedModelDirectory
from tests.fakes.clock import ManualClock


async def test_all_are_resident_and_others_unknown() -> None:
    directory = FixedModelDirectory(("a:1b", "b:2b"), ManualClock(), digest="d")
    seen = await directory.refresh()
    assert seen == directory.snapshot()
    assert set(seen.models) == {"a:1b", "b:2b"}
    assert all(state.installed and state.resident and state.digest == "d" for state in seen.models.values())
    await directory.preload("a:1b")
    with pytest.raises(UnknownModel, match="c:3b"):
        await directory.preload("c:3b")
