"""Steps and macros of a time."""

from dashboards.picture.window import Window

QUARTER = Window(1_000_003, 1_000_903, 15)


def test_steps_are_round_and_no_shorter_than_a_scrape() -> None:
    assert QUARTER.step_s(400) == 15
    assert QUARTER.step_s(20) == 60
    assert Window(0, 6 * 3600, 15).step_s(400) == 60
    assert Window(0, 900, 1).step_s(400) == 5
    assert QUARTER.step_s(400, at_least_s=30) == 30
    assert Window(0, 100 * 86400, 15).step_s(10) == 10 * 86400


def test_start_and_end_are_at_whole_steps() -> None:
    assert QUARTER.aligned(15) == (999_990, 1_000_890)


def test_a_rate_sees_four_scrapes() -> None:
    assert QUARTER.macros(15) == {"__interval": "15s", "__rate_interval": "60s", "__range": "900s"}
    assert QUARTER.macros(60)["__rate_interval"] == "75s"
