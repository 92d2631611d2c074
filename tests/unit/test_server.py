"""Listening, draining, ending."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from service.app import create_app
from service.server import CannotListen, Listener, Server, open_socket
from service.telemetry.exposition import metrics_app
from tests.fakes.services import SCRIPT, FakeServices
from tests.server_sent import events_of
from tests.serving import WAIT_S, serving, until

ROOT = Path(__file__).parents[2]
QUESTION = {"query": "What is momentum?"}


async def test_a_port_in_use_is_said_with_what_to_do() -> None:
    with open_socket("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CannotListen, match=rf"port {port} is in use .* RAG_METRICS__PORT") as caught:
            open_socket("127.0.0.1", port, "RAG_METRICS__PORT")
    assert caught.value.exit_code == 69


@pytest.mark.parametrize("host", ["203.0.113.1", "999.1.1.1"])
async def test_an_address_that_is_not_ours(host: str) -> None:
    with pytest.raises(CannotListen, match=f"cannot listen on {host}"):
        open_socket(host, 0)


async def test_both_listeners_answer_and_both_end() -> None:
    fakes = FakeServices()
    main = Listener(create_app(fakes.build()), open_socket("127.0.0.1", 0))
    metrics = Listener(metrics_app(fakes.exposition), open_socket("127.0.0.1", 0))
    ports = (main.port, metrics.port)
    server = Server(main, fakes.draining, metrics=metrics)
    running = asyncio.create_task(server.run())
    async with httpx.AsyncClient(timeout=WAIT_S) as client:
        health = await client.get(f"http://127.0.0.1:{ports[0]}/healthz")
        page = await client.get(f"http://127.0.0.1:{ports[1]}/metrics")
    server.stop()
    async with asyncio.timeout(WAIT_S):
        await running
    assert (health.status_code, page.text) == (200, "rag_up 1\n# EOF\n")
    assert "server" not in health.headers
    assert fakes.closed == 1
    for port in ports:
        open_socket("127.0.0.1", port).close()


async def test_who_is_being_answered_gets_the_rest_while_probes_hear_no() -> None:
    fakes = FakeServices()
    finish = asyncio.Event()
    fakes.asker.scripts.append([*SCRIPT[:2], finish, *SCRIPT[2:]])
    async with (
        serving(fakes, drain_s=WAIT_S) as served,
        httpx.AsyncClient(base_url=served.url, timeout=WAIT_S) as client,
    ):
        answering = asyncio.create_task(client.post("/ask", json=QUESTION | {"stream": True}))
        await until(lambda: fakes.asker.questions)
        served.server.stop()
        ready = await client.get("/readyz")
        refused = await client.post("/ask", json=QUESTION)
        finish.set()
        answer = await answering
        await served.ended()
    assert (ready.status_code, ready.json()["status"]) == (503, "shutting_down")
    assert (refused.status_code, refused.json()["kind"]) == (503, "shutting_down")
    assert events_of(answer.text)[-1][0] == "done"
    assert fakes.closed == 1


async def test_who_takes_too_long_hears_why() -> None:
    fakes = FakeServices()
    fakes.asker.script = list(SCRIPT[:2])
    fakes.asker.hang_at_end = True
    async with serving(fakes, drain_s=0.1) as served, httpx.AsyncClient(base_url=served.url, timeout=WAIT_S) as client:
        streams = [asyncio.create_task(client.post("/ask", json=QUESTION | {"stream": True})) for _ in range(5)]
        plain = asyncio.create_task(client.post("/ask", json=QUESTION))
        await until(lambda: len(fakes.asker.questions) == 6)
        served.server.stop()
        replies = await asyncio.gather(*streams)
        refused = await plain
        await served.ended()
    assert [events_of(reply.text)[-1][1]["kind"] for reply in replies] == ["shutting_down"] * 5
    assert (refused.status_code, refused.json()["kind"]) == (503, "shutting_down")
    assert fakes.asker.closed == 6
    assert fakes.closed == 1


async def test_saying_it_twice_skips_the_wait() -> None:
    fakes = FakeServices()
    fakes.asker.script = list(SCRIPT[:2])
    fakes.asker.hang_at_end = True
    async with serving(fakes, drain_s=3600) as served, httpx.AsyncClient(base_url=served.url, timeout=WAIT_S) as client:
        stream = asyncio.create_task(client.post("/ask", json=QUESTION | {"stream": True}))
        await until(lambda: fakes.asker.questions)
        served.server.stop()
        await asyncio.sleep(0.05)
        assert not served.running.done()
        served.server.stop()
        assert events_of((await stream).text)[-1][1]["kind"] == "shutting_down"
        await served.ended()


_PROCESS = """
import asyncio, sys
from service.app import create_app
from service.server import Listener, Server, open_socket
from tests.fakes.services import SCRIPT, FakeServices

async def main():
    fakes = FakeServices()
    fakes.asker.script = list(SCRIPT[:2])
    fakes.asker.hang_at_end = True
    listener = Listener(create_app(fakes.build()), open_socket("127.0.0.1", 0))
    sys.stdout.write(f"{listener.port}\\n")
    sys.stdout.flush()
    await Server(listener, fakes.draining, drain_s=0.2).run()
    sys.stdout.write(f"closed {fakes.closed}\\n")

asyncio.run(main())
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_process_in_good_order(number: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _PROCESS], cwd=ROOT, stdout=subprocess.PIPE, text=True, env=dict(os.environ)
    ) as process:
        try:
            assert process.stdout is not None
            port = int(process.stdout.readline())
            with httpx.stream(
                "POST", f"http://127.0.0.1:{port}/ask", json=QUESTION | {"stream": True}, timeout=WAIT_S
            ) as reply:
                lines = reply.iter_lines()
                assert next(lines) == "event: meta"
                process.send_signal(number)
                assert "shutting_down" in list(lines)[-2]
            rest, _ = process.communicate(timeout=WAIT_S)
        finally:
            process.kill()
    assert (process.returncode, rest) == (0, "closed 1\n")
