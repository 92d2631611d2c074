"""Names of colours, and the colour of a threshold."""

import pytest

from dashboards.picture import colors
from dashboards.picture.field import Step

STEPS = [Step(None, "green"), Step(0.5, "orange"), Step(0.7, "red")]


def test_names_and_literal_colours() -> None:
    assert colors.shown("green") != colors.shown("light-green") != colors.shown("dark-green")
    assert colors.shown("#123456") == "#123456"
    assert colors.shown("text") == colors.TEXT
    with pytest.raises(KeyError):
        colors.shown("mauve")


@pytest.mark.parametrize(("value", "name"), [(-1, "green"), (0.49, "green"), (0.5, "orange"), (0.7, "red"), (9, "red")])
def test_the_last_threshold_that_is_reached(value: float, name: str) -> None:
    assert colors.reached(STEPS, value) == colors.shown(name)


def test_transparent_and_no_threshold_leave_the_text_as_it_is() -> None:
    assert colors.reached([Step(None, "transparent")], 1) == colors.TEXT
    assert colors.reached([], 1) == colors.TEXT


def test_the_palette_begins_again() -> None:
    palette = [colors.of_series(at) for at in range(16)]
    assert len(set(palette)) == 16
    assert colors.of_series(16) == palette[0]
