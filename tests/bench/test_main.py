"""What a run writes, and when: the committed figures come from one whole run alone."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.bench import __main__ as bench
from tests.bench.figures import Row, at_most
from tests.bench.plan import Plan


def part(name: str, seen: list[Plan]) -> SimpleNamespace:
    def measure(plan: Plan) -> list[Row]:
        seen.append(plan)
        return [Row(name, "delay", 1.0, "ms", at_most(2))]

    return SimpleNamespace(GROUP=name, METHOD=f"How {name} is measured.", measure=measure)


@pytest.fixture
def plans(monkeypatch: pytest.MonkeyPatch) -> list[Plan]:
    seen: list[Plan] = []
    monkeypatch.setattr(bench, "MEASUREMENTS", {name: part(name, seen) for name in ("one", "two")})
    return seen


def test_a_whole_run_writes_page_and_json(tmp_path: Path, plans: list[Plan]) -> None:
    assert bench.main([], tmp_path) == 0
    assert [plan.quick for plan in plans] == [False, False]
    results = json.loads((tmp_path / "performance.json").read_text())
    assert [group["name"] for group in results["groups"]] == ["one", "two"]
    assert "2 of 2 bars reached." in (tmp_path / "performance.md").read_text()


@pytest.mark.parametrize("arguments", [["--quick"], ["--only", "two"]])
def test_a_quick_or_partial_run_prints_only(
    arguments: list[str], tmp_path: Path, plans: list[Plan], capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench.main(arguments, tmp_path) == 0
    assert list(tmp_path.iterdir()) == []
    assert "| delay | 1.00 ms | <= 2 ms | yes |" in capsys.readouterr().out


def test_an_unknown_measurement_is_refused(tmp_path: Path, plans: list[Plan]) -> None:
    with pytest.raises(SystemExit):
        bench.main(["--only", "three"], tmp_path)
    assert plans == []
