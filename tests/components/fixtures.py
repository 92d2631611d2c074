"""pytest fixtures for real components.

A missing component is a skip that says how to get it. With RAG_REQUIRE_COMPONENTS=1 it is a failure: set where the
components must be there, so that nothing goes untested unseen.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from ops.components.find import find, missing
from tests.components.collector import RunningCollector
from tests.components.ollama import RunningOllama


def require(name: str) -> Path:
    """The program `name`; else this test is skipped, or fails where components are required."""
    found = find(name)
    return found if found is not None else absent(missing(name))


def absent(message: str) -> NoReturn:
    """Skip with `message`, or fail where components are required. Does not return."""
    if os.environ.get("RAG_REQUIRE_COMPONENTS", "") not in ("", "0"):
        pytest.fail(f"{message} (RAG_REQUIRE_COMPONENTS is set)", pytrace=False)
    pytest.skip(message)


@pytest.fixture(scope="session")
def real_ollama(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningOllama]:
    """A real Ollama with tiny models under the default names. Shared: a test that ends it starts its own instead."""
    with RunningOllama(require("ollama"), tmp_path_factory.mktemp("ollama")) as running:
        yield running


@pytest.fixture(scope="session")
def real_collector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCollector]:
    """A real OpenTelemetry Collector that keeps every span it is sent. Shared: look for your own trace ids."""
    with RunningCollector(require("otelcol"), tmp_path_factory.mktemp("otelcol")) as running:
        yield running
