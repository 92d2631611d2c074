"""What end-to-end tests share: one installation for those that leave it whole, and a page of what was seen."""

from collections.abc import Callable, Iterator

import pytest

from tests.components.installation import Installation, installed
from tests.components.ollama import RunningOllama

_SEEN = pytest.StashKey[list[str]]()


@pytest.fixture(scope="session")
def stack(real_ollama: RunningOllama, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """The whole native stack. Shared: a test that stops a part of it starts its own installation instead."""
    with installed(tmp_path_factory.mktemp("stack"), real_ollama) as running:
        yield running


@pytest.fixture(scope="session")
def seen(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Takes a line that is printed at the end of the run, whether all went well or not."""
    return request.config.stash.setdefault(_SEEN, []).append


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    lines = config.stash.get(_SEEN, [])
    if lines:
        terminalreporter.section("what was seen")
        for line in lines:
            terminalreporter.write_line(line)
