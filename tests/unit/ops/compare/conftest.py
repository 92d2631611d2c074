"""What tests of commands have: a shell in this process, a service or a stand-in for one."""

from tests.unit.cli.conftest import clean_environment, service, shell, stub

__all__ = ["clean_environment", "service", "shell", "stub"]
