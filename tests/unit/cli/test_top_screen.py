"""What `emini-rag top` shows."""

import io
from typing import Any

from rich.console import Console

from service.api.monitoring_wire import query_object
from service.cli.top_screen import latest, line, screen
from service.monitoring.fault import judge
from tests.unit.monitoring.records import warm

LIVE: dict[str, Any] = {
    "step_s": 15,
    "from_at": 0.0,
    "asked": [0] * 55 + [4, 4, 4, 4, 9],
    "hit_ratio": [None] * 57 + [0.5, 0.25, None],
    "latency": {"small": [None] * 58 + [1.5, None], "gone": [2.0] * 60},
    "tokens_per_s": {"small": [None] * 58 + [41.25, None]},
    "queue": {
        "small": {"in_flight": 1, "waiting": 3, "capacity": 2},
        "large": {"in_flight": 0, "waiting": 0, "capacity": 1},
    },
}
NOTHING: dict[str, Any] = {"slow": [], "kept": {"problem": None}}


def shown(live: dict[str, Any], slow: dict[str, Any], width: int = 160) -> list[str]:
    out = Console(file=io.StringIO(), width=width, highlight=False, markup=False)
    out.print(screen(live, slow, width))
    return out.file.getvalue().splitlines()  # type: ignore[attr-defined,no-any-return]


def test_rate_hits_models_and_the_slowest() -> None:
    lines = shown(LIVE, {"slow": [query_object(judge(warm(), {}), "")], "kept": {"problem": None}})
    assert lines[0].split()[:4] == ["questions", "16.0", "a", "minute"]
    assert lines[1].split()[:4] == ["from", "the", "cache", "25%"]
    rows = [one.split() for one in lines]
    assert ["small", "1", "of", "2", "3", "1.50", "s", "41.2", "█"] in rows
    assert ["large", "0", "of", "1", "0", "-", "-"] in rows
    assert any(row[:3] == ["gone", "-", "-"] for row in rows)
    assert any("generate" in one and "900 ms" in one for one in lines)


def test_before_the_first_question() -> None:
    live = LIVE | {"asked": [0] * 60, "hit_ratio": [None] * 60, "latency": {}, "tokens_per_s": {}}
    lines = shown(live, NOTHING | {"kept": {"problem": "the disk is full"}})
    assert "0.0 a minute" in lines[0]
    assert "Nothing was asked within the last 15 minutes." in lines
    assert lines[-1] == "Note: the disk is full"


def test_a_line_has_gaps_and_eight_heights() -> None:
    assert line([0.0, None, 4.0, 8.0], 9) == "▁ ▅█"
    assert line([5.0, 1.0, 1.0], 2) == "██"
    assert line([None, 0.0], 5) == " ▁"


def test_the_latest_is_the_newest_that_there_is() -> None:
    assert latest([1.0, 2.0, None]) == 2.0
    assert latest([None]) is None
