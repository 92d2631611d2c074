"""Production and development side by side on one host: nothing is shared, and whatever befalls development, production
stays as it was."""

import hashlib
import shutil
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ops.stack.process import ComponentFailed, wait_until
from service.monitoring.slow_log import WRITE_EVERY_S
from tests.components.asking import Asking
from tests.components.installation import SERVICE, Installation, installed
from tests.components.kernel import LOOPBACK, open_sockets, written_files
from tests.components.ollama import RunningOllama

WITHIN_S = 30.0
LOAD = 60
ENVIRONMENTS = ("production", "development")
QUESTIONS = [f"What is {subject}?" for subject in ("a hedge", "a stop order", "slippage", "a margin call")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("side by side")


@pytest.fixture(scope="module")
def production(real_ollama: RunningOllama, folder: Path) -> Iterator[Installation]:
    with installed(folder / "production", real_ollama) as running:
        yield running


@pytest.fixture(scope="module")
def development(real_ollama: RunningOllama, folder: Path, production: Installation) -> Iterator[Installation]:
    assert production.stack.parts["service"].running
    with installed(folder / "development", real_ollama, environment="development") as running:
        yield running


def content(folder: Path) -> dict[str, str]:
    """Every file below `folder` and what is in it, once what was asked of it has been written down."""
    found: list[dict[str, str]] = [{}]

    def quiet() -> bool:
        time.sleep(2 * WRITE_EVERY_S)
        found.append(files_in(folder))
        return found[-1] == found[-2]

    wait_until(quiet, WITHIN_S, "nothing more is written")
    return found[-1]


def files_in(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def answers(installation: Installation) -> list[str]:
    return [installation.service.ask(question)["answer"] for question in QUESTIONS]


def counts(installation: Installation) -> dict[str, float]:
    """What production's Prometheus has counted of its questions, by series."""
    installation.prometheus.scraped(SERVICE)
    series = installation.prometheus.query(f'rag_ask_duration_seconds_count{{job="{SERVICE}"}}')
    return {repr(sorted(one.labels.items())): one.value for one in series}


def test_they_share_no_port_no_folder_no_series_and_no_trace(
    production: Installation, development: Installation
) -> None:
    both = (production, development)
    traces = [installation.service.ask("What is a hedge?")["trace_id"] for installation in both]
    for installation, trace_id in zip(both, traces, strict=True):
        installation.traces.trace(trace_id)
        installation.prometheus.scraped(SERVICE)

    listening = [open_sockets(installation.pids) for installation in both]
    assert all(found and {address for address, _ in found} <= LOOPBACK for found in listening), listening
    assert not {port for _, port in listening[0]} & {port for _, port in listening[1]}
    for installation in both:
        files = written_files(installation.pids)
        assert files
        assert [path for path in files if not path.is_relative_to(installation.folder)] == []
    for installation, environment in zip(both, ENVIRONMENTS, strict=True):
        assert installation.prometheus.label_values("deployment_environment_name") == {environment}
        assert installation.prometheus.series('{job=~".+",deployment_environment_name=""}') == []
    places = [installation.prometheus.label_values("instance") for installation in both]
    assert not places[0] & places[1]
    for installation, own, other in ((production, *traces), (development, *reversed(traces))):
        assert installation.traces.spans(own)
        assert installation.traces.spans(other) == []
        strangers = set(ENVIRONMENTS) - {installation.environment}
        assert all(installation.traces.search(root="POST /ask", environment=one) == set() for one in strangers)


def test_driving_breaking_and_destroying_development_leaves_production_alone(
    production: Installation, development: Installation, seen: Callable[[str], None]
) -> None:
    before = answers(production)
    listening = open_sockets(production.pids)
    own = production.service.ask("What is a hedge?")["trace_id"]
    production.traces.trace(own)
    counted = counts(production)
    data = content(production.stack.site.data)
    assert data

    with Asking(development.service.url, QUESTIONS, per_s=100, fresh_every=1) as load:
        wait_until(lambda: len(load.asked) >= LOAD, 4 * WITHIN_S, "development is driven")
    document = {"file": ("dev.md", b"# Dev\n\nOnly development knows of wibbling, which is a word.", "text/markdown")}
    assert development.service.client.post("/documents", files=document).status_code == 201
    assert load.failed == []
    assert content(production.stack.site.data) == data
    assert counts(production) == counted

    alone, beside = latencies(production), []
    with Asking(development.service.url, QUESTIONS, per_s=100, fresh_every=1):
        beside = latencies(production)
    seen(f"  a hit in production: {alone * 1e3:.1f} ms alone, {beside * 1e3:.1f} ms beside a busy development")

    data = content(production.stack.site.data)
    broken = development.stack.parts["service"]
    broken.kill()
    corpus = development.stack.site.data / "corpus.sqlite3"
    corpus.write_bytes(b"this is no database" * 1000)
    with pytest.raises(ComponentFailed):
        broken.start()
    assert content(production.stack.site.data) == data
    assert answers(production) == before

    gone = development.folder
    development.stack.stop()
    shutil.rmtree(gone)
    assert not gone.exists()
    assert answers(production) == before
    assert production.service.ask("What is wibbling?")["mode"] == "no_context"
    production.prometheus.scraped(SERVICE)
    assert production.prometheus.label_values("deployment_environment_name") == {"production"}
    assert all(part.running for part in production.stack.parts.values())
    assert open_sockets(production.pids) == listening
    assert production.traces.spans(own)


def latencies(installation: Installation) -> float:
    """Median seconds of an answer that is known."""
    with Asking(installation.service.url, QUESTIONS, per_s=50, fresh_every=10_000) as asking:
        wait_until(lambda: len(asking.asked) >= 50, WITHIN_S, "fifty questions")
    return statistics.median(one.duration_s for one in asking.asked[1:])
