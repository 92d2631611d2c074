"""`emini-rag serve`."""

from tests.unit.cli.conftest import Shell


def test_serve_runs_the_service_and_ends_with_its_code(shell: Shell) -> None:
    assert shell("serve").exit_code == 5
    assert shell.served == 1
