"""Queries in the browser: the slow one first with its stage at fault, the filters, and what a trace id leads to."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.console.conftest import MODEL, Stand, Visits

USUAL = 12
SLOW_S = 1.5


@pytest.fixture(scope="module")
def slow(stand: Stand) -> str:
    """The trace of one query that read its prompt slowly, after some that were as usual."""
    for number in range(USUAL):
        stand.service.ask(f"What is stop order number {number}?", model=MODEL)
    model = stand.ollama.model(MODEL)
    model.prompt_eval_s = SLOW_S
    slow = stand.service.ask("What is a limit order?", model=MODEL)
    model.prompt_eval_s = 0.0
    stand.service.ask("What is stop order number 1?", model=MODEL)
    return str(slow["trace_id"])


def rows(page: Page) -> list[str]:
    return list(page.locator("details.query").evaluate_all("all => all.map((one) => one.dataset.trace)"))


def test_the_slow_one_stands_first_with_its_stage(stand: Stand, visits: Visits, slow: str) -> None:
    page = visits(stand.url).open("queries")
    first = page.locator("details.query").first
    expect(first).to_have_attribute("data-trace", slow)
    expect(first).to_have_attribute("data-stage", "generate.prompt_eval")
    expect(first.locator("summary")).to_contain_text("read the prompt")
    expect(first.locator("summary")).to_contain_text(MODEL)


def test_one_opens_to_its_bars_its_verdict_and_its_trace(stand: Stand, visits: Visits, slow: str) -> None:
    page = visits(stand.url).open("queries")
    first = page.locator("details.query").first
    first.locator("summary").click()
    expect(first).to_contain_text("Stage at fault: read the prompt")
    expect(first).to_contain_text("usual for it:")
    bars = first.locator(".waterfall")
    parts = bars.locator("li[data-seconds]:not(.inner)").evaluate_all(
        "all => all.map((one) => Number(one.dataset.seconds))"
    )
    assert sum(parts) == pytest.approx(float(bars.get_attribute("data-total") or 0), rel=1e-6)
    inner = bars.locator("li[data-stage='generate.prompt_eval']")
    assert float(inner.get_attribute("data-seconds") or 0) >= SLOW_S * 0.9
    expect(inner).to_contain_text("slower, usual: ")
    expect(first.locator(".spans li")).not_to_have_count(0)
    first.get_by_role("link", name=slow).click()
    expect(page.get_by_role("heading", name="Trace")).to_be_visible()
    expect(page.locator(".spans:visible")).to_contain_text(f"chat {MODEL}")


def test_filters_choose_and_stand_in_the_address(stand: Stand, visits: Visits, slow: str) -> None:
    page = visits(stand.url).open("queries")
    expect(page.locator("details.query")).not_to_have_count(0)
    page.get_by_label("Stage at fault").select_option("generate.prompt_eval")
    expect(page.locator("details.query").first).to_have_attribute("data-trace", slow)
    page.get_by_label("Cache", exact=True).select_option("hit")
    expect(page.get_by_role("status").filter(has_text="No query matches")).to_be_visible()
    assert "stage=generate.prompt_eval" in page.url
    assert "cache=hit" in page.url
    page.reload()
    expect(page.get_by_label("Cache", exact=True)).to_have_value("hit")
    page.get_by_label("Stage at fault").select_option("")
    expect(page.locator("details.query")).to_have_count(1)
    page.get_by_label("Show").select_option("recent")
    page.get_by_label("Cache", exact=True).select_option("")
    page.get_by_label("Outcome").select_option("cancelled")
    expect(page.locator("details.query")).to_have_count(0)


def test_the_newest_stand_first_where_that_is_wanted(stand: Stand, visits: Visits, slow: str) -> None:
    page = visits(stand.url).open("queries?list=recent")
    expect(page.locator("details.query").nth(1)).to_have_attribute("data-trace", slow)


def test_what_is_no_trace_is_told_plainly(stand: Stand, visits: Visits) -> None:
    page = visits(stand.url).open("queries")
    page.get_by_label("Trace id").fill("not a trace")
    page.get_by_role("button", name="Show the trace").click()
    expect(page.get_by_role("alert")).to_contain_text("A trace id is 32 digits of 0-9 and a-f.")
    page.get_by_label("Trace id").fill("0" * 31 + "1")
    page.get_by_role("button", name="Show the trace").click()
    expect(page.locator("main")).to_contain_text("kept")
    assert not page.locator(".spans:visible").count()


@pytest.mark.parametrize("window", ["0s", "3650d"])
def test_a_window_of_nothing_or_of_ten_years_is_told_plainly(stand: Stand, visits: Visits, window: str) -> None:
    page = visits(stand.url).open(f"queries?window={window}")
    expect(page.get_by_role("status").filter(has_text="window")).to_be_visible()
    assert not page.locator("details.query").count()


def test_what_an_older_service_does_not_tell_is_not_available(stand: Stand, visits: Visits) -> None:
    page = visits(stand.url).page
    gone = '{"status": 404, "kind": "not_found", "detail": "there is nothing at this path", "trace_id": ""}'
    for path in ("live", "usual*", "traces/*"):
        page.route(f"**/monitoring/{path}", lambda route: route.fulfill(status=404, body=gone))
    page.goto(f"{stand.url}/#/live")
    expect(page.get_by_role("status").filter(has_text="Live figures are not available")).to_be_visible()
    page.goto(f"{stand.url}/#/ask")
    page.get_by_label("Your question").fill("What is a market order?")
    page.keyboard.press("Control+Enter")
    made = page.get_by_role("region", name="How this answer was made")
    expect(made).to_contain_text("What is usual for this model is not available yet.")
    expect(made.locator("dd").filter(has_text="not available")).to_be_visible()


def test_live_charts_show_what_was_asked(stand: Stand, visits: Visits, slow: str) -> None:
    page = visits(stand.url).open("live")
    expect(page.get_by_role("img", name="Time to an answer, mean by model")).to_have_accessible_name(
        re.compile(re.escape(MODEL))
    )
    expect(page.locator(".chart path.line").first).to_be_attached()
    figures = page.locator("figure").first.get_by_text("Figures")
    figures.click()
    expect(page.locator("figure").first.locator("table")).to_contain_text(MODEL)
