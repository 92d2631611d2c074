"""The native stack itself with the real programs: it starts, everything is connected, and it leaves nothing behind.

No model server and no Tempo is needed: what is tested is how the parts are run. What they do is tested elsewhere.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import astuple
from itertools import takewhile
from pathlib import Path

import httpx
import pytest

from ops.stack.plans import traces_file
from ops.stack.port_holder import is_taken
from ops.stack.ports import Ports
from ops.stack.process import wait_until
from ops.stack.site import ROOT
from ops.stack.stack import Stack, StackFailed
from tests.components.fixtures import require
from tests.components.kernel import family
from tests.components.prometheus_api import PrometheusApi
from tests.components.service import NOWHERE
from tests.components.spans import Span, from_json
from tests.components.trace_store import whole

NEEDED = ("otelcol", "prometheus", "alertmanager")
WITHIN_S = 30.0
JOBS = {"emini-rag", "prometheus", "alertmanager", "otelcol"}
# Starts a stack, and is killed before it can end it. Arguments: its folder, and its ports as JSON.
SUPERVISOR = """\
import json, sys, time
from pathlib import Path
from ops.stack.ports import Ports
from tests.e2e.test_stack import small
with small(Path(sys.argv[1]), Ports(*json.loads(sys.argv[2]))):
    print("up", flush=True)
    time.sleep(600)
"""
# The command on free ports. Arguments: its ports as JSON, then its own.
COMMAND = """\
import json, sys
from ops.stack.__main__ import main
from ops.stack.ports import Ports
from ops.stack.stack import Stack
def build(folder, ports, environment, **rest):
    return Stack(folder, Ports(*json.loads(sys.argv[1])), environment, **rest)
sys.exit(main(sys.argv[2:], build=build))
"""

pytestmark = pytest.mark.real


def small(folder: Path, ports: Ports) -> Stack:
    """A stack without what no registry serves, and without models."""
    return Stack(
        folder,
        ports,
        without=["tempo", "grafana"],
        extra={"service": {"RAG_OLLAMA__URL": NOWHERE, "OTEL_BSP_SCHEDULE_DELAY": "100"}},
        scrape_interval="1s",
    )


@pytest.fixture(scope="module", autouse=True)
def _programs() -> None:
    for name in NEEDED:
        require(name)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with small(tmp_path_factory.mktemp("small"), Ports.free()) as stack:
        yield stack


def prometheus(stack: Stack) -> PrometheusApi:
    return PrometheusApi(stack.parts["prometheus"].url)


def ask(stack: Stack, query: str) -> str:
    """Ask the service; the id of the trace."""
    reply = httpx.post(f"{stack.parts['service'].url}/ask", json={"query": query}, timeout=WITHIN_S, trust_env=False)
    assert reply.status_code == 200, reply.text
    return str(reply.headers["x-trace-id"])


def spans(stack: Stack, trace_id: str) -> list[Span]:
    """What the traces file holds of this trace; a line without its end is still being written."""
    file = traces_file(stack.site)
    lines = file.read_text().rpartition("\n")[0].splitlines() if file.exists() else []
    return [span for line in lines for span in from_json(json.loads(line)) if span["trace_id"] == trace_id]


def all_up(stack: Stack) -> bool:
    targets = prometheus(stack).targets()
    return set(targets) == JOBS and all(target["health"] == "up" for target in targets.values())


def test_every_part_is_well(running: Stack) -> None:
    assert list(running.parts) == ["prometheus", "alertmanager", "otelcol", "service"]
    assert all(part.running and part.ready for part in running.parts.values())


def test_prometheus_scrapes_every_part_and_reaches_the_alertmanager(running: Stack) -> None:
    wait_until(lambda: all_up(running), WITHIN_S, "every target is up")
    assert {one["labels"]["deployment_environment_name"] for one in prometheus(running).targets().values()} == {
        "production"
    }
    alertmanager = running.parts["alertmanager"].url
    wait_until(
        lambda: prometheus(running).alertmanagers() == [f"{alertmanager}/api/v2/alerts"], WITHIN_S, "it is reached"
    )


def test_a_questions_whole_trace_is_in_the_file(running: Stack) -> None:
    trace_id = ask(running, "What is momentum trading?")
    wait_until(lambda: whole(spans(running, trace_id)), WITHIN_S, "the trace is in the file")
    assert {span["resource"]["deployment.environment.name"] for span in spans(running, trace_id)} == {"production"}


def test_a_second_stack_in_the_folder_is_refused_and_the_first_goes_on(running: Stack) -> None:
    with pytest.raises(StackFailed, match="in use by another stack"):
        small(running.folder, Ports.free()).start()
    assert all(part.running for part in running.parts.values())


def test_a_second_stack_on_the_ports_is_told_who_holds_each(running: Stack, tmp_path: Path) -> None:
    with pytest.raises(StackFailed) as failed:
        small(tmp_path, running.site.ports).start()
    lines = str(failed.value).splitlines()
    assert len(lines) == 1 + sum(len(part.plan.ports) for part in running.parts.values())
    for name in ("prometheus", "alertmanager"):
        assert any(f"{name} (process {running.parts[name].pid})" in line for line in lines)


def test_it_leaves_nothing_behind_and_goes_on_where_it_was(tmp_path: Path) -> None:
    stack = small(tmp_path, Ports.free())
    with stack:
        trace_id = ask(stack, "What is a stop order?")
        prometheus(stack).until("rag_ask_duration_seconds_count")
        processes = [pid for part in stack.parts.values() for pid in family(part.pid)]
    assert not [pid for pid in processes if Path(f"/proc/{pid}").exists()]
    assert not [port for port in astuple(stack.site.ports) if is_taken(port)]
    with small(tmp_path, stack.site.ports) as again:
        assert prometheus(again).value("max_over_time(rag_ask_duration_seconds_count[1h])") >= 1
        assert whole(spans(again, trace_id))


def test_a_configuration_that_prometheus_refuses_is_told_in_its_own_words(tmp_path: Path) -> None:
    stack = Stack(tmp_path, Ports.free(), without=["tempo", "grafana"], scrape_interval="soon")
    with pytest.raises(StackFailed) as failed:
        stack.start()
    assert "prometheus ready" in str(failed.value)
    assert 'not a valid duration string: "soon"' in str(failed.value).replace("\\", "")
    assert not any(part.running for part in stack.parts.values())


def test_the_command_ends_every_part_when_it_is_asked_to(tmp_path: Path) -> None:
    ports = Ports.free()
    words = [sys.executable, "-c", COMMAND, json.dumps(astuple(ports)), "--data", str(tmp_path)]
    words += ["--without", "tempo", "--without", "grafana"]
    variables = {**os.environ, "RAG_OLLAMA__URL": NOWHERE}
    with subprocess.Popen(words, cwd=ROOT, env=variables, stdout=subprocess.PIPE, text=True) as command:
        assert command.stdout is not None
        try:
            shown = list(takewhile(lambda line: not line.startswith("End:"), command.stdout))
            processes = family(command.pid)[1:]
            command.send_signal(signal.SIGTERM)
            assert command.wait(WITHIN_S) == 0
        finally:
            command.kill()
    assert any(f"http://127.0.0.1:{ports.service}" in line for line in shown)
    assert len(processes) >= len(JOBS)
    assert not [pid for pid in processes if Path(f"/proc/{pid}").exists()]
    assert not [port for port in astuple(ports) if is_taken(port)]


def test_killed_it_leaves_nothing_behind(tmp_path: Path) -> None:
    ports = Ports.free()
    words = [sys.executable, "-c", SUPERVISOR, str(tmp_path), json.dumps(astuple(ports))]
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE) as supervisor:
        assert supervisor.stdout is not None
        assert supervisor.stdout.readline() == b"up\n"
        processes = family(supervisor.pid)[1:]
        supervisor.send_signal(signal.SIGKILL)
        supervisor.wait(WITHIN_S)
    wait_until(lambda: not any(map(is_taken, astuple(ports))), WITHIN_S, "every port is free again")
    wait_until(lambda: not any(_runs(pid) for pid in processes), WITHIN_S, "every process has ended")


def _runs(pid: int) -> bool:
    """Not when it has ended and nobody has asked how."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
