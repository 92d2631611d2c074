"""pytest fixtures for a real Docker engine and the images on it: one for the whole run, since both take a while.

RAG_REQUIRE_DOCKER=1 makes a failure of what is otherwise a skip: a machine on which no engine can be started. Whoever
starts an installation on it removes it again, so that the next one finds none.
"""

import os
from collections.abc import Iterator
from typing import NoReturn

import pytest

from ops.compose.files import DEVELOPMENT, PRODUCTION
from ops.stack.process import ComponentFailed
from tests.components import docker_base, docker_engine
from tests.components.docker_engine import Docker
from tests.components.docker_images import Images, make_images, pulled


def unavailable(reason: str) -> NoReturn:
    """Skip, or fail where Docker is required."""
    if os.environ.get("RAG_REQUIRE_DOCKER", "") not in ("", "0"):
        pytest.fail(f"{reason} (RAG_REQUIRE_DOCKER is set)", pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def docker() -> Iterator[Docker]:
    """An engine that holds nothing of this project."""
    reason = docker_engine.why_none() or ("" if pulled() else docker_base.why_none())
    if reason:
        unavailable(reason)
    try:
        with docker_engine.engine() as running:
            _refuse_others_work(running)
            yield running
    except ComponentFailed as error:
        unavailable(f"no Docker engine could be started: {error}")


@pytest.fixture(scope="session")
def images(docker: Docker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Images]:
    """What .env pins, but Chroma: see `make_chroma`."""
    made = make_images(docker, tmp_path_factory.mktemp("images"))
    yield made
    made.remove(docker)


def _refuse_others_work(docker: Docker) -> None:
    """The engine may be one that somebody uses, and what the files name is made and removed here."""
    for one in (PRODUCTION, DEVELOPMENT):
        label = f"label=com.docker.compose.project={one.project}"
        found = [docker.lines("ps", "--all", "--quiet", "--filter", label)]
        found.append(docker.lines("volume", "ls", "--quiet", "--filter", label))
        found.append(docker.lines("image", "ls", "--quiet", one.project))
        if any(found):
            unavailable(f"the engine at DOCKER_HOST holds the project {one.project} of somebody already")
