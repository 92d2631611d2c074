"""Fixtures for every test. Sockets are open to loopback only: see `addopts` in pyproject.toml."""

pytest_plugins = ["tests.components.docker_fixtures", "tests.components.fixtures"]
