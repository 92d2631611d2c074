"""Everybody can use it: on a phone, with the keyboard alone, with a screen reader, in the dark, without motion."""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.e2e.console.conftest import Stand, Visits

VIEWS = ("ask", "queries", "live", "models", "documents", "trace/" + "0" * 31 + "1")
NARROW = {"viewport": {"width": 320, "height": 640}}
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


def settled(page: Page, view: str) -> None:
    """What the view shows is there."""
    if view == "ask":
        page.get_by_label("Your question").fill("What is momentum trading?")
        page.keyboard.press("Control+Enter")
        expect(page.locator("#progress")).to_contain_text("Answered in")
    elif view == "queries":
        page.locator("details.query summary").first.press("Enter")
        expect(page.locator("details.query .waterfall").first).to_be_visible()
    elif view == "models":
        expect(page.locator(".cards .card")).not_to_have_count(0)
    elif view == "documents":
        expect(page.locator("#documents li")).not_to_have_count(0)
    page.wait_for_load_state("networkidle")


@pytest.fixture(scope="module", autouse=True)
def _something_to_show(stand: Stand) -> None:
    stand.service.ask("What is an averagely_long_word_that_nobody_would_ever_break_" + "x" * 300 + "?")


@pytest.mark.parametrize("view", VIEWS)
def test_a_narrow_phone_scrolls_in_one_direction_only(stand: Stand, visits: Visits, view: str) -> None:
    page = visits(stand.url, **NARROW).open(view)
    settled(page, view)
    wide = "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    assert page.evaluate(wide) == [320, 320]
    if view == "ask":
        page.locator(".cite").first.click()
        expect(page.get_by_role("dialog").locator("mark")).to_be_visible()
        assert page.evaluate(wide) == [320, 320]
        assert page.evaluate("document.querySelector('dialog').scrollWidth") <= 320


@pytest.mark.parametrize("view", VIEWS)
def test_every_control_is_reached_by_tab_and_shows_it(stand: Stand, visits: Visits, view: str) -> None:
    page = visits(stand.url).open(view)
    settled(page, view)
    wanted = page.evaluate(
        """() => {
          const controls = document.querySelectorAll("a[href], button, input, select, textarea, summary");
          const shown = [...controls].filter((one) => one.checkVisibility({visibilityProperty: true}) && !one.disabled);
          shown.forEach((one, number) => { one.dataset.control = number; });
          return shown.length;
        }"""
    )
    reached: set[str] = set()
    page.locator(".skip").focus()
    for _ in range(wanted + 40):
        told: dict[str, Any] | None = page.evaluate(
            """() => {
              const one = document.activeElement;
              const look = getComputedStyle(one);
              const seen = look.outlineStyle !== "none" && parseFloat(look.outlineWidth) >= 2;
              const what = one.outerHTML.slice(0, 120);
              return one === document.body ? null : {control: one.dataset.control, seen, what};
            }"""
        )
        if told is None:
            break
        assert told["seen"], f"no visible focus on {told['what']}"
        if told["control"] is not None:
            reached.add(told["control"])
        page.keyboard.press("Tab")
    assert reached == {str(number) for number in range(wanted)}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("view", VIEWS)
def test_axe_finds_nothing(stand: Stand, visits: Visits, view: str, scheme: str) -> None:
    page = visits(stand.url, color_scheme=scheme).open(view)
    settled(page, view)
    assert problems(page) == []
    if view == "ask":
        page.locator(".cite").first.click()
        expect(page.get_by_role("dialog").locator("mark")).to_be_visible()
        assert problems(page) == []
    if view == "live":
        for one in page.get_by_text("Figures").all():
            one.click()
        assert problems(page) == []


def problems(page: Page) -> list[str]:
    found = Axe().run(page, options=RULES).response["violations"]
    return [f"{one['id']}: {one['help']}: {[node['html'] for node in one['nodes']][:3]}" for one in found]


def test_without_motion_nothing_moves(stand: Stand, visits: Visits) -> None:
    moving = "document.getAnimations().length"
    for reduced, expected in (("no-preference", True), ("reduce", False)):
        page = visits(stand.url, reduced_motion=reduced).open()
        page.route("**/ask", lambda route: None)
        page.get_by_label("Your question").fill("What is momentum?")
        page.keyboard.press("Control+Enter")
        expect(page.locator("#progress")).to_contain_text("Sent.")
        assert bool(page.evaluate(moving)) is expected


def test_the_language_the_title_and_the_landmarks_are_there(stand: Stand, visits: Visits) -> None:
    page = visits(stand.url).open("models")
    expect(page).to_have_title("Models · emini-rag")
    for role in ("banner", "navigation", "main", "contentinfo"):
        expect(page.get_by_role(role)).to_have_count(1)
    expect(page.get_by_role("link", name="Models")).to_have_attribute("aria-current", "page")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
