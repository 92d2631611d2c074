"""`emini-rag compare`, as typed."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from ops.compare.files import HTML, MARKDOWN
from ops.compare.measured import Side
from service.errors import ErrorKind
from tests.fakes.compared_prometheus import ComparedPrometheus
from tests.fakes.compared_service import ComparedService
from tests.unit.cli.conftest import Shell, Told
from tests.unit.ops.compare.made import body


class Typed:
    """Two services and the command with their addresses."""

    def __init__(self, running: ExitStack, shell: Shell, folder: Path) -> None:
        self.shell = shell
        self.out = folder / "out"
        self.servers = {side: running.enter_context(ComparedService(shell.clock, lambda _: body())) for side in Side}
        self.queries = folder / "mine.txt"
        self.queries.write_text("\n".join(f"What is number {number}?" for number in range(8)))

    def __call__(self, *more: str) -> Told:
        urls = (f"--{side}={server.url}" for side, server in self.servers.items())
        return self.shell(
            "compare", *urls, f"--queries={self.queries}", f"--out={self.out}", "--rate=1e9", "--seed=7", *more
        )


@pytest.fixture
def typed(shell: Shell, tmp_path: Path) -> Iterator[Typed]:
    with ExitStack() as running:
        yield Typed(running, shell, tmp_path)


def test_verdict_tables_and_where_the_report_is(typed: Typed) -> None:
    typed.servers[Side.CANDIDATE].seconds = lambda _: 1.5
    told = typed()
    assert told.exit_code == 10, told.output
    assert told.stdout.startswith("slower\nTier simple is slower: the candidate typically takes 1.50 (1.50 to 1.50)")
    assert "Time to answer" in told.stdout
    assert told.stderr.splitlines()[-1] == f"Report: {typed.out / HTML}"
    assert (typed.out / MARKDOWN).read_text().startswith("# Candidate against baseline\n\n**slower**")


def test_no_evidence_ends_well(typed: Typed) -> None:
    told = typed()
    assert (told.exit_code, told.stdout.splitlines()[0]) == (0, "no evidence")


def test_json_is_the_result(typed: Typed) -> None:
    told = typed("--json", "--temperature=0.5", "--max-tokens=9", "--model=m")
    assert json.loads(told.stdout)["judgement"]["verdict"] == "no evidence"
    asked = typed.servers[Side.BASELINE].asked[0]
    assert {name: asked[name] for name in ("temperature", "max_tokens", "model")} == {
        "temperature": 0.5,
        "max_tokens": 9,
        "model": "m",
    }


def test_the_key_of_the_baseline_is_never_sent_to_the_candidate(typed: Typed, tmp_path: Path) -> None:
    typed.shell.changes["api_key"] = "erag_of_production"
    typed()
    assert typed.servers[Side.BASELINE].keys == {"Bearer erag_of_production"}
    assert typed.servers[Side.CANDIDATE].keys == {""}


def test_keys_come_from_files_that_only_their_owner_reads(typed: Typed, tmp_path: Path) -> None:
    files = {side: tmp_path / f"{side}.key" for side in Side}
    for side, file in files.items():
        file.write_text(f"erag_{side}\n")
        file.chmod(0o600)
    options = [f"--{side}-key-file={file}" for side, file in files.items()]
    assert typed(*options).exit_code == 0
    assert {side: server.keys for side, server in typed.servers.items()} == {
        side: {f"Bearer erag_{side}"} for side in Side
    }
    files[Side.CANDIDATE].chmod(0o644)
    told = typed(*options)
    assert (told.exit_code, "can be read by others" in told.stderr) == (2, True)


def test_a_missing_key_names_the_option(typed: Typed) -> None:
    typed.servers[Side.CANDIDATE].refusals.append(ErrorKind.UNAUTHORIZED)
    told = typed()
    assert told.exit_code == 1
    assert "--candidate-key-file" in told.stderr


def test_nobody_there_has_the_usual_code(typed: Typed) -> None:
    typed.servers[Side.CANDIDATE].stop()
    told = typed()
    assert told.exit_code == 3
    assert not typed.out.exists()


def test_a_gone_candidate_leaves_its_report(typed: Typed) -> None:
    typed.servers[Side.CANDIDATE].gone_after = 3
    told = typed("--warm-up=0")
    assert told.exit_code == 3
    assert "went away after 3 of 32 pairs" in told.stdout
    assert (typed.out / HTML).exists()


def test_a_folder_that_is_taken_is_left_alone(typed: Typed) -> None:
    typed.out.mkdir()
    (typed.out / "mine").touch()
    told = typed()
    assert (told.exit_code, "is there already" in told.stderr) == (2, True)


@pytest.mark.parametrize(
    "options",
    [("--replay=1h",), ("--replay=soon",), ("--rounds=0",), ("--key=erag_x",), ("--floor=0",), ("--window=0s",)],
)
def test_wrong_use_is_told(typed: Typed, options: tuple[str, ...]) -> None:
    told = typed(*options)
    assert told.exit_code == 2
    assert typed.servers[Side.BASELINE].asked == []


def test_from_metrics_asks_no_service(typed: Typed) -> None:
    told = typed("--from-metrics=http://127.0.0.1:9")
    assert told.exit_code == 2
    assert "--baseline environment=production" in told.stderr
    assert typed.servers[Side.BASELINE].asked == []


@pytest.mark.parametrize(
    ("options", "exit_code"), [((), 10), (("--floor=0.2",), 0), (("--floor-ms=200",), 0), (("--floor-ms=140",), 10)]
)
def test_what_matters_can_be_said(typed: Typed, options: tuple[str, ...], exit_code: int) -> None:
    typed.servers[Side.CANDIDATE].seconds = lambda _: 1.15
    assert typed(*options).exit_code == exit_code


def test_from_metrics_needs_as_much_as_the_alert_for_it(shell: Shell, tmp_path: Path) -> None:
    which = ("--baseline=environment=production", "--candidate=environment=development")
    with ComparedPrometheus(ratio=1.12) as server:
        told = shell("compare", f"--from-metrics={server.url}", *which, f"--out={tmp_path / 'a'}")
        assert (told.exit_code, "No change of 20% and 20 ms or more" in told.stdout) == (0, True), told.output
        told = shell("compare", f"--from-metrics={server.url}", *which, f"--out={tmp_path / 'b'}", "--floor=0.05")
        assert (told.exit_code, told.stdout.splitlines()[0]) == (10, "slower")


def test_help_names_the_exit_codes(shell: Shell) -> None:
    told = shell("compare", "--help")
    assert told.exit_code == 0
    for word in ("--baseline", "--from-metrics", "10", "11", "12"):
        assert word in told.stdout
