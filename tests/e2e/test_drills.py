"""Drills on a real installation, through the command that people use: every fault is real, its alert comes and goes."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from ops.stack.process import wait_until
from ops.stack.site import ROOT
from service.cli.drill.processes import Machine
from tests.components.fixtures import require
from tests.components.installation import SERVICE, Installation, installed
from tests.components.ollama import CHAT_MODELS, OllamaClient, RunningOllama
from tests.dashboards.traceql import fields

# Short windows: each drill is over within a minute. What is usual is forgotten soon, so that drills do not disturb each
# other. Every value is otherwise used as in production.
OVERLAY = {
    "normal": {"every": "1s", "baseline_every": "1s", "baseline": "60s", "min_history": "6s"},
    "regression": {"windows": ["8s", "16s"], "min_answers": 5, "for": "2s", "keep": "2s"},
    "stage": {"window": "8s", "for": "2s"},
    "cold": {"window": "20s", "min_loads": 3},
    "comparison": {"for": "2s"},
    "ratio": {"window": "15s", "min_events": 2, "for": "2s"},
    "queue": {"window": "8s"},
    "down": {"for": "2s", "absent": "10s", "window": "10s"},
}
RUN_S = 180.0
WITHIN_S = 30.0
MODEL = CHAT_MODELS[0]
Seen = Callable[[str], None]


@pytest.fixture(scope="module")
def development(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """With an Ollama of its own: it is stopped, and loses a model."""
    program = require("ollama")
    with (
        RunningOllama(program, tmp_path_factory.mktemp("ollama")) as ollama,
        installed(tmp_path_factory.mktemp("drills"), ollama, "development", overlay=OVERLAY) as running,
    ):
        # A drill refuses a Prometheus that has not seen its service yet, or knows nobody to tell.
        running.prometheus.scraped(SERVICE)
        wait_until(lambda: bool(running.prometheus.alertmanagers()), WITHIN_S, "Prometheus knows its Alertmanager")
        yield running


def command(installation: Installation, *words: str) -> list[str]:
    return [sys.executable, "-m", "service.cli.main", "drill", *words, "--url", installation.service.url]


def run(installation: Installation, *words: str) -> list[str]:
    addresses = ("--prometheus", installation.prometheus.url, "--alertmanager", installation.alertmanager.url)
    return [*command(installation, "run", *words), *addresses]


def started(installation: Installation, name: str, *words: str) -> subprocess.Popen[str]:
    """A drill that goes on by itself."""
    return subprocess.Popen(
        run(installation, name, *words), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def drilled(installation: Installation, name: str, *words: str) -> dict[str, Any]:
    """What `drill run --json` says; it must pass."""
    ended = subprocess.run(
        run(installation, name, "--json", "--patience", "1.5", *words),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=RUN_S,
        check=False,
    )
    assert ended.returncode == 0, f"{ended.stdout}{ended.stderr}"[-4000:]
    return dict(json.loads(ended.stdout))


def told(report: dict[str, Any]) -> str:
    return (
        f"  drill {report['drill']}: {report['alert']} after {report['fired_after_s']:.1f} s, "
        f"over {report['cleared_after_s']:.1f} s after the repair"
    )


def heard(installation: Installation, name: str, status: str) -> list[dict[str, Any]]:
    """What the webhook was told of an alert."""
    alerts = (alert for call in installation.webhook.calls for alert in call["alerts"])
    return [one for one in alerts if one["labels"]["alertname"] == name and one["status"] == status]


def test_a_slowed_model_is_named_with_links_that_lead_somewhere_and_is_told_and_cleared(
    development: Installation, seen: Seen
) -> None:
    report = drilled(development, "slow-model", "--model", MODEL)
    seen(told(report))
    name = "RagModelLatencyRegression"
    assert report["alert"] == name
    assert report["labels"] == {"deployment_environment_name": "development", "gen_ai_request_model": MODEL}
    for status in ("firing", "resolved"):
        wait_until(lambda status=status: bool(heard(development, name, status)), WITHIN_S, f"{name} is {status}")
    (alert,) = heard(development, name, "firing")[:1]
    assert alert["labels"]["gen_ai_request_model"] == MODEL
    assert {one["labels"]["gen_ai_request_model"] for one in heard(development, name, "firing")} == {MODEL}
    url = urlsplit(alert["annotations"]["dashboard_url"])
    board = json.loads((ROOT / "dashboards" / "json" / f"{url.path.rpartition('/')[2]}.json").read_text())
    variables = {variable["name"] for variable in board["templating"]["list"]}
    chosen = {key.removeprefix("var-"): value for key, value in parse_qs(url.query).items() if key.startswith("var-")}
    assert set(chosen) <= variables
    assert chosen["model"] == [MODEL]
    query = alert["annotations"]["trace_query"]
    assert fields(query)
    assert MODEL in query


@pytest.mark.parametrize(
    ("name", "alert"),
    [
        ("cold-model", "RagModelColdLoads"),
        ("model-missing", "RagModelMissing"),
        ("ollama-down", "RagOllamaDown"),
        ("collector-down", "CollectorDown"),
        ("cache-flushed", "RagCacheHitRatioDrop"),
        ("queue-full", "RagRequestsShed"),
        ("poisoned", "RagErrorRatioHigh"),
    ],
)
def test_a_fault_raises_its_alert_and_is_mended(development: Installation, seen: Seen, name: str, alert: str) -> None:
    report = drilled(development, name)
    seen(told(report))
    assert (report["alert"], report["passed"]) == (alert, True)
    assert report["fired_after_s"] > 0
    assert report["cleared_after_s"] > 0
    wait_until(lambda: development.service.value("rag_ollama_up") == 1, WITHIN_S, "Ollama is seen")
    wait_until(
        lambda: development.service.ask("What is a swing?", cache={"no-cache": True})["mode"] == "generated",
        WITHIN_S,
        "a model answers again",
    )


def test_a_drill_leaves_its_mark_in_prometheus(development: Installation) -> None:
    marks = development.prometheus.query(
        'max by (drill) (count_over_time(emini_rag_drill{drill="collector-down"}[30m]))'
    )
    assert [one.labels for one in marks] == [{"drill": "collector-down"}]
    assert development.prometheus.query("emini_rag_drill") == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda number: number.name)
def test_however_a_drill_ends_what_it_held_goes_on(development: Installation, number: signal.Signals) -> None:
    """After SIGKILL it is a program that stands by."""
    machine = Machine()
    ollama = machine.listening(int(development.stack.site.named_model_server.rpartition(":")[2]))
    assert ollama is not None
    drill = started(development, "ollama-down")
    wait_until(lambda: machine.is_stopped(ollama), WITHIN_S, "Ollama is held", alive=lambda: drill.poll() is None)
    drill.send_signal(number)
    said, _ = drill.communicate(timeout=WITHIN_S)
    wait_until(lambda: not machine.is_stopped(ollama), WITHIN_S, "Ollama goes on")
    assert drill.returncode == (-signal.SIGKILL if number is signal.SIGKILL else 130), said
    wait_until(lambda: development.service.value("rag_ollama_up") == 1, WITHIN_S, "Ollama is seen")


def test_a_model_that_a_killed_drill_took_away_is_put_back_by_the_next_look(development: Installation) -> None:
    ollama = OllamaClient(development.stack.site.named_model_server)

    def digests() -> dict[str, str]:
        return {model["name"]: model["digest"] for model in ollama.request("GET", "/api/tags")["models"]}

    before = digests()
    drill = started(development, "model-missing", "--model", MODEL)
    wait_until(lambda: MODEL not in digests(), WITHIN_S, "the model is away", alive=lambda: drill.poll() is None)
    drill.kill()
    drill.communicate(timeout=WITHIN_S)
    assert MODEL not in digests()
    words = command(development, "list")
    listed = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=WITHIN_S, check=True)
    assert f"{MODEL} was put back" in listed.stderr
    assert digests() == before
