"""A model directory whose snapshot the test sets."""

from collections.abc import Mapping
from dataclasses import replace

from service.errors import DependencyError
from service.routing.port import ModelSnapshot, ModelState


def snapshot_of(
    installed: Mapping[str, bool], *, sizes: Mapping[str, int] | None = None, missing: tuple[str, ...] = ()
) -> ModelSnapshot:
    """A reachable server: name -> resident for installed models; `missing` ones are configured but not installed."""
    states = {
        name: ModelState(
            name, installed=True, resident=resident, digest=f"sha-{name}", size_bytes=(sizes or {}).get(name, 0)
        )
        for name, resident in installed.items()
    }
    states |= {name: ModelState(name) for name in missing}
    return ModelSnapshot(reachable=True, polled_at=1_700_000_000.0, models=states)


class FakeModelDirectory:
    """`current` is what `snapshot` answers; `upcoming` snapshots become current one per `refresh`. A preloaded model
    becomes resident, unless `preload_errors` has an error queued. `calls` logs refreshes and preloads."""

    def __init__(self, current: ModelSnapshot | None = None) -> None:
        self.current = current or ModelSnapshot()
        self.upcoming: list[ModelSnapshot] = []
        self.preload_errors: list[DependencyError] = []
        self.calls: list[str] = []

    def snapshot(self) -> ModelSnapshot:
        return self.current

    async def refresh(self) -> ModelSnapshot:
        self.calls.append("refresh")
        if self.upcoming:
            self.current = self.upcoming.pop(0)
        return self.current

    async def preload(self, model: str) -> None:
        self.calls.append(f"preload {model}")
        if self.preload_errors:
            raise self.preload_errors.pop(0)
        state = self.current.models.get(model, ModelState(model, installed=True))
        self.current = replace(self.current, models={**self.current.models, model: replace(state, resident=True)})
