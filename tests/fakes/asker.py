"""A use case that plays a script."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Sequence

from service.ask.types import AskEvent, Question


class FakeAsker:
    """Implements `Asker`: every question gets the same script; an exception in it is raised in its place, and an
    `asyncio.Event` is waited for. `scripts` are used up first, one per question.

    `questions` is the call log, `closed` counts iterators that ended, in whatever way. With `hang_at_end` the script
    is followed by waiting for ever, and `hanging` is set once that has begun.
    """

    def __init__(self, script: Sequence[AskEvent | BaseException | asyncio.Event] = ()) -> None:
        self.script = list(script)
        self.scripts: deque[Sequence[AskEvent | BaseException | asyncio.Event]] = deque()
        self.questions: list[Question] = []
        self.closed = 0
        self.hang_at_end = False
        self.hanging = asyncio.Event()

    async def ask(self, question: Question) -> AsyncGenerator[AskEvent, None]:
        self.questions.append(question)
        try:
            for event in self.scripts.popleft() if self.scripts else self.script:
                if isinstance(event, BaseException):
                    raise event
                if isinstance(event, asyncio.Event):
                    await event.wait()
                else:
                    yield event
            if self.hang_at_end:
                self.hanging.set()
                await asyncio.Event().wait()
        finally:
            self.closed += 1
