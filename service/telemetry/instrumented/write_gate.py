"""`checkpoint`: for how long writers were kept out, and whether the one who kept them out came back. `restore`: a going
back, as it was told afterwards."""

from collections.abc import Callable

from service.corpus.port import Hold, Pause, Restore, WriteGate
from service.telemetry.catalogue import CHECKPOINT_PAUSE, Attribute, SpanName
from service.telemetry.meters import Meters
from service.telemetry.stage import Stages
from service.telemetry.vocabulary import HoldEnd, RestoreEnd


class InstrumentedWriteGate:
    """Implements `WriteGate`. The span is made when the pause is over: it may end without any request."""

    def __init__(self, inner: WriteGate, stages: Stages, meters: Meters) -> None:
        self._inner = inner
        self._stages = stages
        self._meters = meters

    async def hold(self, wait_s: float, for_s: float, on_end: Callable[[Pause], None] | None = None) -> Hold:
        def ended(pause: Pause) -> None:
            self._note_pause(pause)
            if on_end is not None:
                on_end(pause)

        return await self._inner.hold(wait_s, for_s, ended)

    def release(self, token: str) -> Pause:
        return self._inner.release(token)

    def note(self, restore: Restore) -> None:
        self._inner.note(restore)
        result = RestoreEnd.WENT_BACK if restore.went_back else RestoreEnd.RESTORED
        attributes = {Attribute.CHECKPOINT_NAME: restore.checkpoint, Attribute.CHECKPOINT_RESULT: result.value}
        with self._stages.start(SpanName.RESTORE, attributes=attributes, ago_s=restore.took_s):
            pass

    def _note_pause(self, pause: Pause) -> None:
        result = HoldEnd.EXPIRED if pause.expired else HoldEnd.RELEASED
        attributes = {Attribute.CHECKPOINT_RESULT: result.value}
        with self._stages.start(SpanName.CHECKPOINT, attributes=attributes, ago_s=pause.held_s):
            self._meters.observe(CHECKPOINT_PAUSE, pause.held_s, result=result)
