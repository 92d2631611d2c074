"""Two tenants who ask the same: what one was answered is never a hit for the other, not even at the same time."""

import asyncio
from typing import Any

from tests.faults.stand import CHAT, Guarded, client, question

QUESTIONS = range(700, 712)


def test_one_after_the_other(guarded: Guarded) -> None:
    asked, calls = question(720), len(guarded.ollama.bodies(CHAT))
    first = guarded.ask_as("alpha", asked)
    second = guarded.ask_as("beta", asked)
    assert (first["cache"]["result"], second["cache"]["result"]) == ("miss", "miss")
    assert second["cache"]["origin_trace_id"] is None
    assert len(guarded.ollama.bodies(CHAT)) - calls == 2
    for tenant, own in (("alpha", first), ("beta", second)):
        again = guarded.ask_as(tenant, asked)
        assert again["cache"]["result"] == "hit"
        assert again["cache"]["origin_trace_id"] == own["trace_id"]


def test_at_the_same_time(guarded: Guarded) -> None:
    calls = len(guarded.ollama.bodies(CHAT))
    answers = asyncio.run(everybody_asks(guarded))
    # One call for each question and tenant; who asks the same at the same time shares within his tenant only.
    assert len(guarded.ollama.bodies(CHAT)) - calls == 2 * len(QUESTIONS)
    owners = {answer["trace_id"]: tenant for tenant, answer in answers}
    origins = [(tenant, answer["cache"]["origin_trace_id"]) for tenant, answer in answers]
    shared = [(tenant, owners[origin]) for tenant, origin in origins if origin is not None]
    assert len(shared) == len(answers) - 2 * len(QUESTIONS)
    assert [pair for pair in shared if pair[0] != pair[1]] == []


async def everybody_asks(guarded: Guarded) -> list[tuple[str, dict[str, Any]]]:
    """Four of each tenant ask every question at once."""
    async with client(guarded.service, connections=100) as http:

        async def one(tenant: str, number: int) -> tuple[str, dict[str, Any]]:
            key = {"authorization": f"Bearer {guarded.tokens[tenant]}"}
            reply = await http.post("/ask", json={"query": question(number)}, headers=key)
            return tenant, reply.raise_for_status().json()

        return await asyncio.gather(
            *(one(tenant, number) for number in QUESTIONS for _ in range(4) for tenant in guarded.tokens)
        )
