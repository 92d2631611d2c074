"""What relaying a stream adds to each token, and what a stream costs, beside the LiteLLM proxy where there is one."""

import json
import os
import statistics
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ops.stack.process import Process, answers, free_port
from tests.bench.figures import Row, at_least, at_most, median_ratio
from tests.bench.miss import questions
from tests.bench.plan import Plan
from tests.bench.processes import EXPORTED_S, Helper, cpu_s, run_alone, settle
from tests.bench.stand import Stand, stand

GROUP = "A stream"
METHOD = (
    "The model server puts the moment of sending into every token; the client takes it off the moment of arrival. "
    "*Added* is what that is more than without anything in between, read straight from the model server, in turns; one "
    "stream at a time and four, 60 tokens each, 2 ms between tokens. Requests per CPU-second: the same streams without "
    "pauses, sixteen at a time. Ours retrieves, prompts, and has all telemetry on. The LiteLLM proxy, "
    "one worker, relays the same chat to the same model server and does nothing else. It is none of this project's "
    "requirements, so it takes part only in runs with `--litellm PROGRAM`; in all others its rows are not measured."
)
MODEL = "llama3.2:3b"
TOKENS = 60
_TOKEN_S = 0.002
_CONNECTIONS = 16
_START_S = 90.0


@dataclass
class _Relay:
    """One way to the model server. `body` makes a request's body of a question."""

    port: int
    pid: int
    path: str
    extra: dict[str, Any] = field(default_factory=dict)
    p50_ms: dict[int, list[float]] = field(default_factory=lambda: {1: [], 4: []})
    p99_ms: dict[int, list[float]] = field(default_factory=lambda: {1: [], 4: []})
    per_cpu_s: list[float] = field(default_factory=list)

    def body(self, question: str) -> str:
        chat = {"model": MODEL, "messages": [{"role": "user", "content": question}], "stream": True}
        return json.dumps({**chat, **self.extra})


def measure(plan: Plan) -> list[Row]:
    """Rows of this group."""
    with ExitStack() as stack:
        standing = stack.enter_context(stand(plan.part("streaming"), RAG_ADMISSION__SLOTS="16"))
        relays = {
            "direct": _Relay(standing.ollama.port, standing.ollama.pid, "/api/chat"),
            "ours": _Relay(standing.service.port, standing.service.pid, "/v1/chat/completions"),
        }
        if plan.litellm is not None:
            proxy = stack.enter_context(_litellm(plan.litellm, standing.ollama, plan.part("litellm")))
            relays["litellm"] = _Relay(proxy.port, proxy.pid, "/v1/chat/completions")
        _measure(plan, standing, relays)
    return [*_rows(relays), *_beside(relays)]


def _measure(plan: Plan, standing: Stand, relays: dict[str, _Relay]) -> None:
    asked = questions()
    for turn in range(plan.of(5, 1) + 1):
        plan.say(f"streams, round {turn}" if turn else "streams, to warm up")
        standing.ollama.control("/bench/set", {"stamped": True, "token_s": _TOKEN_S, "tokens": TOKENS})
        for at_once in (1, 4):
            for relay in relays.values():
                report = _run(relay, asked, at_once, plan.of(12, 4) * at_once)
                if turn:
                    relay.p50_ms[at_once].append(1e3 * report["p50_s"])
                    relay.p99_ms[at_once].append(1e3 * report["p99_s"])
        standing.ollama.control("/bench/set", {"stamped": True, "token_s": 0.0})
        for relay in relays.values():
            count = plan.of(100, 30)
            before = cpu_s(relay.pid)
            _run(relay, asked, _CONNECTIONS, count)
            settle(EXPORTED_S)
            if turn:
                relay.per_cpu_s.append(count / (cpu_s(relay.pid) - before))


def _run(relay: _Relay, asked: Iterator[str], at_once: int, count: int) -> dict[str, Any]:
    bodies = [relay.body(next(asked)) for _ in range(count)]
    report = run_alone(
        "load",
        mode="streams",
        port=relay.port,
        path=relay.path,
        bodies=bodies,
        connections=at_once,
        requests=count,
    )
    assert report["statuses"] == {"200": count}, report["statuses"]
    return report


def _added(relay: _Relay, direct: _Relay, at_once: int) -> list[float]:
    return [one - other for one, other in zip(relay.p50_ms[at_once], direct.p50_ms[at_once], strict=True)]


def _rows(relays: dict[str, _Relay]) -> list[Row]:
    ours, direct = relays["ours"], relays["direct"]
    one, four = _added(ours, direct, 1), _added(ours, direct, 4)
    return [
        Row(
            GROUP,
            "added per token, median, one stream",
            statistics.median(one),
            "ms",
            at_most(1),
            f"best round {min(one):.2f} ms; straight {statistics.median(direct.p50_ms[1]):.2f} ms",
        ),
        Row(
            GROUP,
            "added per token, median, four streams",
            statistics.median(four),
            "ms",
            at_most(1),
            f"best round {min(four):.2f} ms; straight {statistics.median(direct.p50_ms[4]):.2f} ms",
        ),
        Row(
            GROUP,
            "token on its way, p99, four streams",
            statistics.median(ours.p99_ms[4]),
            "ms",
            note=f"straight {statistics.median(direct.p99_ms[4]):.2f} ms",
        ),
        Row(GROUP, "streams per CPU-second", statistics.median(ours.per_cpu_s), "", note=f"{TOKENS} tokens each"),
    ]


def _beside(relays: dict[str, _Relay]) -> list[Row]:
    whats = (
        "requests per CPU-second beside the LiteLLM proxy",
        "added per token beside the LiteLLM proxy, four streams",
    )
    bars = (at_least(3), at_most(1 / 3))
    if "litellm" not in relays:
        why = "not part of this run"
        return [Row(GROUP, what, None, "x", bar, why) for what, bar in zip(whats, bars, strict=True)]
    ours, direct, proxy = relays["ours"], relays["direct"], relays["litellm"]
    theirs = statistics.median(_added(proxy, direct, 4))
    values = (median_ratio(ours.per_cpu_s, proxy.per_cpu_s), statistics.median(_added(ours, direct, 4)) / theirs)
    notes = (f"the proxy: {statistics.median(proxy.per_cpu_s):.3g}", f"the proxy adds {theirs:.2f} ms")
    return [Row(GROUP, *row) for row in zip(whats, values, "xx", bars, notes, strict=True)]


@contextmanager
def _litellm(program: Path, ollama: Helper, folder: Path) -> Iterator[Helper]:
    """The proxy as its documentation starts it, with one model and nothing that would cost it more."""
    port = free_port()
    config = folder / "litellm.yaml"
    config.write_text(
        f"model_list:\n  - model_name: '{MODEL}'\n    litellm_params:\n      model: 'ollama_chat/{MODEL}'\n"
        f"      api_base: '{ollama.url}'\nlitellm_settings:\n  telemetry: false\n"
    )
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(folder),
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_LOG": "ERROR",
        "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true",
    }
    command = [program, "--config", config, "--port", str(port), "--host", "127.0.0.1"]
    process = Process(command, environment, folder, folder / "litellm.log")
    process.start(lambda: answers(f"http://127.0.0.1:{port}/health/liveliness"), _START_S)
    try:
        yield Helper(f"http://127.0.0.1:{port}", process.pid)
    finally:
        process.stop()
