"""The figures of the stack's memory: what is summed, and what the table says of what was not measured."""

import os
import subprocess
import sys

import pytest

from tests.bench.processes import resident_mb
from tests.bench.stack import BAR, Memory, questions, resident_of_family_mb, rows, table

SAMPLES = [
    {"prometheus": 100.0, "otelcol": 90.0, "service": 300.0},
    {"prometheus": 140.0, "otelcol": 60.0, "service": 310.0},
    {"prometheus": 120.0, "otelcol": 60.0, "service": 305.0},
]


def test_a_sum_is_that_of_one_moment() -> None:
    memory = Memory(SAMPLES)
    # Not 140 + 90, which was never there.
    assert memory.highest(["prometheus", "otelcol"]) == 200
    assert memory.last(["prometheus", "otelcol"]) == 180


def test_the_observability_side_is_compared_with_its_bar_and_the_service_is_not_in_it() -> None:
    lines = {row.what: row for row in rows(Memory(SAMPLES), {"tempo": "...", "ollama": "..."}, "40 questions")}
    assert list(lines) == ["prometheus", "otelcol", "service", "observability side together", "everything together"]
    together = lines["observability side together"]
    assert (together.value, together.bar) == (200, BAR)
    assert together.note == "180 MB in the end; without tempo: not found here"
    assert lines["service"].value == 310
    assert lines["everything together"].value == 510


def test_the_bar_is_a_gigabyte_at_most() -> None:
    assert (BAR.reached(1000), BAR.reached(1001)) == (True, False)


def test_the_table_has_a_line_for_every_row() -> None:
    lines = table(rows(Memory(SAMPLES), {}, "40 questions in 3 s")).splitlines()
    assert len(lines) == 6
    assert lines[1].split() == ["prometheus", "140", "MB", "120", "MB", "in", "the", "end"]
    assert "200 MB" in lines[4]
    assert "<= 1,000 MB  yes" in lines[4]


def test_every_question_is_asked_twice() -> None:
    asked = questions(40)
    assert len(asked) == 40
    assert len(set(asked)) == 20
    assert asked[:20] == asked[20:]


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_children_count_to_their_part() -> None:
    with subprocess.Popen([sys.executable, "-c", "print(1, flush=True); input()"], stdin=-1, stdout=-1) as child:
        assert child.stdout is not None
        child.stdout.readline()
        assert resident_of_family_mb(os.getpid()) >= resident_mb(os.getpid())[0] * 0.9 + resident_mb(child.pid)[0]
        child.communicate(b"\n", timeout=10)
