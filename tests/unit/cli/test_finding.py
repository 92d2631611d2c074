"""Examinations side by side."""

import asyncio

from service.cli.finding import Check, Finding, State, examine, in_thread

WELL = Finding("a", State.OK, "fine")


async def well() -> list[Finding]:
    return [WELL]


async def test_findings_keep_the_order_of_the_checks() -> None:
    late = asyncio.Event()

    async def waiting() -> list[Finding]:
        await late.wait()
        return [Finding("b", State.INFO, "late"), Finding("c", State.INFO, "later")]

    async def releasing() -> list[Finding]:
        late.set()
        return [WELL]

    found = await examine([Check("b", waiting), Check("a", releasing), in_thread("d", lambda: WELL)], timeout_s=5)
    assert [one.check for one in found] == ["b", "c", "a", "a"]


async def test_one_that_hangs_is_a_warning_and_hides_nothing() -> None:
    async def hanging() -> list[Finding]:
        await asyncio.Event().wait()
        return []

    found = await examine([Check("slow", hanging), Check("a", well)], timeout_s=0.01)
    assert found[1] == WELL
    assert (found[0].check, found[0].state) == ("slow", State.WARNING)
    assert "0.01 s" in found[0].seen


async def test_one_that_breaks_is_a_warning_without_its_words() -> None:
    async def broken() -> list[Finding]:
        raise RuntimeError("secret")

    (found,) = await examine([Check("broken", broken)])
    assert (found.check, found.state, found.seen) == (
        "broken",
        State.WARNING,
        "not known: the look failed with RuntimeError",
    )
