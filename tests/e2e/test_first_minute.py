"""What a newcomer sees: no Ollama, no configuration, the sample documents."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ops.stack.process import free_port, wait_until
from tests.components.service import ROOT, RunningService, serving

CLIENT = ROOT / "tests" / "fixtures" / "seed_client.py"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    with serving(tmp_path_factory.mktemp("first"), ENVIRONMENT="development") as running:
        yield running


def test_the_first_answer_is_quoted_cited_and_honest(service: RunningService) -> None:
    answer = service.ask("What is momentum trading?")
    assert answer["mode"] == "extractive"
    assert answer["model"] is None
    assert "llm_unreachable" in answer["degraded"]
    assert answer["notice"]
    assert answer["citations"][0]["source"] == "momentum-trading.md"
    text = (ROOT / "documents" / "momentum-trading.md").read_text(encoding="utf-8")
    for citation in answer["citations"]:
        if citation["source"] == "momentum-trading.md":
            assert citation["text"] in text
    timings = dict(answer["timings"])
    total_s = timings.pop("total_s")
    assert sum(timings.values()) == pytest.approx(total_s, abs=2e-6 * len(timings))


def test_the_second_identical_call_is_a_hit_and_metrics_show_both(service: RunningService) -> None:
    def counted() -> tuple[float, float]:
        name = "rag_cache_requests_total"
        hits = service.value(name, cache="answer", result="hit")
        return service.value(name, cache="answer", result="miss"), hits

    before = counted()
    first = service.ask("What is VWAP?")
    second = service.ask("What is VWAP?")
    assert (first["cache"]["result"], second["cache"]["result"]) == ("miss", "hit")
    assert second["cache"]["origin_trace_id"] == first["trace_id"]
    assert second["answer"] == first["answer"]
    misses, hits = counted()
    assert (misses - before[0], hits - before[1]) == (1, 1)


def test_a_question_about_something_else_is_not_answered(service: RunningService) -> None:
    answer = service.ask("How do I bake a chocolate cake with raspberries?")
    assert answer["mode"] == "no_context"
    assert answer["citations"] == []


def test_the_original_client_runs_unchanged(service: RunningService) -> None:
    """Its address is fixed in its text, so it is led here by the proxy variable that its HTTP library obeys."""
    environment = {"PATH": os.environ.get("PATH", ""), "http_proxy": service.url, "no_proxy": ""}
    client = subprocess.run(
        [sys.executable, CLIENT], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert client.returncode == 0, client.stderr
    assert client.stdout.count("✅ Success") == 5, client.stdout
    assert "❌" not in client.stdout
    assert "Total queries" in client.stdout
    assert "Hit rate" in client.stdout


def test_every_route_also_stands_under_api(service: RunningService) -> None:
    for path in ("/healthz", "/readyz", "/monitoring/performance", "/monitoring/cache", "/monitoring/recent",
                 "/monitoring/slow", "/monitoring/models", "/documents", "/v1/models", "/metrics"):  # fmt: skip
        for prefix in ("", "/api"):
            assert service.client.get(prefix + path).status_code == 200, prefix + path


def test_a_second_start_refuses_the_port_and_the_folder(service: RunningService, tmp_path: Path) -> None:
    taken_port = {**service.environment, "RAG_DATA_DIR": str(tmp_path), "RAG_METRICS__PORT": "0"}
    taken_folder = {**service.environment, "RAG_SERVER__PORT": str(free_port()), "RAG_METRICS__PORT": "0"}
    for environment, hint in ((taken_port, str(service.port)), (taken_folder, str(service.pid))):
        second = subprocess.run(
            [sys.executable, "-m", "service"],
            env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        output = second.stdout + second.stderr
        assert second.returncode != 0
        assert hint in output
        assert "Traceback" not in output
    assert service.ask("Is the first one unharmed?")


def test_documents_come_and_go(service: RunningService) -> None:
    name = "../../x.md"
    content = b"# Zorbling\n\nZorbling is the practice of trading rare zorbles on the third Tuesday of a month.\n"
    added = service.client.post("/documents", files={"file": (name, content, "text/markdown")})
    assert added.status_code == 201, added.text
    document = added.json()
    assert document["source"] == "x.md"
    assert not (service.data.parent / "x.md").exists()
    answer = service.ask("What is zorbling?")
    assert [citation["source"] for citation in answer["citations"]][:1] == ["x.md"]
    assert service.client.delete(f"/documents/{document['id']}").status_code in {200, 204}
    assert service.ask("What is zorbling?")["mode"] == "no_context"


def test_a_restart_keeps_documents_and_hits(tmp_path: Path) -> None:
    service = RunningService(tmp_path)
    with service:
        service.client.post(
            "/documents", files={"file": ("kept.md", b"# Kept\n\nFribbling means keeping a document over a restart.")}
        )
        first = service.ask("What does fribbling mean?")
        service.stop()
        service.start()
        again = service.ask("What does fribbling mean?")
        assert again["cache"]["result"] == "hit"
        assert again["answer"] == first["answer"]


def test_a_public_address_without_keys_is_refused(tmp_path: Path) -> None:
    environment = RunningService(tmp_path, {"RAG_SERVER__HOST": "0.0.0.0"}).environment
    refused = subprocess.run(
        [sys.executable, "-m", "service"], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert refused.returncode != 0
    assert "emini-rag keys create" in refused.stdout + refused.stderr


def test_keys_open_and_close_the_door(tmp_path: Path) -> None:
    with serving(tmp_path) as service:
        cli = [sys.executable, "-m", "service.cli.main"]

        def run(*arguments: str) -> str:
            done = subprocess.run(
                [*cli, *arguments], env=service.environment, capture_output=True, text=True, timeout=60, check=False
            )
            assert done.returncode == 0, done.stdout + done.stderr
            return done.stdout

        assert service.client.get("/documents").status_code == 200
        created = run("keys", "create", "alice", "--scope", "ask")
        token = next(word for word in created.split() if word.startswith("erag_"))
        headers = {"authorization": f"Bearer {token}"}
        body = {"query": "What is slippage?"}

        def status(**extra: object) -> int:
            return service.client.post("/ask", json=body, **extra).status_code  # type: ignore[arg-type]

        wait_until(lambda: status() == 401, 6, "keys are asked for once there is one")
        assert status(headers=headers) == 200
        assert status(headers={"authorization": "Bearer erag_wrong"}) == 401
        upload = service.client.post("/documents", files={"file": ("a.md", b"# A\n\nText.")}, headers=headers)
        assert upload.status_code == 403
        run("keys", "revoke", token.split("_")[1])
        wait_until(lambda: status(headers=headers) == 401, 6, "a revoked key ends within seconds")
