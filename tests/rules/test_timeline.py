"""The times at which an alert fires, as promtool tells them, and what the slow suite thinks of them."""

import pytest

from prometheus.__main__ import render
from tests.rules import full
from tests.rules.regression_cases import ALERT, GUARDS, LARGE, LIMITS
from tests.rules.timeline import Timeline, since, timeline, until
from tests.rules.weeks import SLOW, Verdict, every

RULES = render(LIMITS)
MODEL = "gen_ai_request_model"


def test_every_time_at_which_it_fires() -> None:
    """Slow from minute 60 to 120: fires from 80, see the case; below 1.3 times at 150, and 15 minutes later it ends."""
    found = timeline(GUARDS["recovery"], ALERT, range(5, 241, 5), RULES, by=MODEL)
    assert set(found) == set(range(80, 165, 5))
    assert set(found.values()) == {frozenset({LARGE})}
    assert (since(found, LARGE), since(found, LARGE, 100), until(found, LARGE)) == (80, 100, 160)
    assert since(found, "another") is None


def test_silence_has_no_times() -> None:
    assert timeline(GUARDS["trivial"], ALERT, range(60, 151, 30), RULES, by=MODEL) == {}


def test_a_rule_that_cannot_be_read_is_no_silence() -> None:
    broken = {**RULES, "regression.yml": RULES["regression.yml"].replace("sum by", "sun by")}
    with pytest.raises(ValueError, match="could not parse"):
        timeline(GUARDS["trivial"], ALERT, [60], broken, by=MODEL)


def _judged(name: str, found: Timeline) -> Verdict:
    return next(weeks for weeks in every() if weeks.name == name).judge(found)


def _fires(first: int, last: int, *models: str) -> Timeline:
    return {minute: frozenset(models) for minute in range(first, last + 1, 5)}


_WEEK = 7 * 24 * 60


@pytest.mark.parametrize(
    ("name", "found", "wrong"),
    [
        ("quiet: iid at 2 per minute", {}, 0),
        ("quiet: iid at 2 per minute", _fires(3000, 3010, SLOW), 1),
        ("quiet: drift at 2 per minute", _fires(3000, 3010, SLOW), 0),
        ("quiet: drift at 2 per minute", _fires(_WEEK + 3000, _WEEK + 3010, SLOW), 1),
        ("absorbed step", _fires(_WEEK + 25, _WEEK + 3000, SLOW), 0),
        ("absorbed step", _fires(_WEEK + 25, _WEEK + 600, SLOW), 1),
        ("absorbed step", _fires(_WEEK + 25, _WEEK + 5760, SLOW), 1),
        ("absorbed step", _fires(_WEEK + 90, _WEEK + 3000, SLOW), 1),
        ("absorbed step", {}, 1),
        ("recovery", _fires(_WEEK + 25, _WEEK + 470, SLOW), 0),
        ("recovery", _fires(_WEEK + 25, _WEEK + 1000, SLOW), 1),
        ("young", _fires(2935, 3120, SLOW), 0),
        ("young", _fires(2600, 3120, SLOW), 1),
        ("young", {}, 1),
        ("found at 10 per minute", {}, 4),
        ("the service starts again every day", _fires(_WEEK + 745, _WEEK + 900, SLOW), 0),
        ("the service starts again every day", {**_fires(_WEEK + 745, _WEEK + 900, SLOW), _WEEK + 800: frozenset()}, 1),
        ("the service starts again every day", _fires(_WEEK + 800, _WEEK + 900, SLOW), 1),
        ("the service starts again every day", _fires(_WEEK + 745, _WEEK + 900, SLOW, "another"), 1),
        ("the service starts again every day", _fires(700, 710, SLOW) | _fires(_WEEK + 745, _WEEK + 900, SLOW), 1),
    ],
)
def test_what_the_slow_suite_takes_for_wrong(name: str, found: Timeline, wrong: int) -> None:
    assert len(_judged(name, found).wrong) == wrong


def test_an_unknown_name_is_refused_with_those_that_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert full.main(["no such case"]) == 2
    assert "absorbed step" in capsys.readouterr().out
