"""Asking in the browser: the answer as it comes, where it is from, how it was made, and how it ends early."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from ops.stack.process import wait_until
from tests.components.service import RunningService
from tests.e2e.console.conftest import MODEL, OTHER, PATIENCE_S, Stand, Visits
from tests.fakes.ollama_server import FakeModel, FakeOllama

LONG = tuple(f"word{number} " for number in range(400))


def ask(page: Page, question: str) -> None:
    page.get_by_label("Your question").fill(question)
    page.keyboard.press("Control+Enter")


def answered(page: Page) -> None:
    expect(page.locator("#progress")).to_contain_text("Answered in")


def test_an_answer_comes_word_by_word_and_is_explained(stand: Stand, visits: Visits, model: FakeModel) -> None:
    model.token_s = 0.15
    page = visits(stand.url).open()
    ask(page, "What is momentum trading?")
    expect(page.locator("#answer")).to_contain_text("Momentum trading")
    expect(page.get_by_role("button", name="Cancel")).to_be_visible()
    expect(page.locator("#progress")).to_contain_text(f"{MODEL} was chosen: it is the model for questions of this tier")
    answered(page)
    expect(page.locator("#answer")).to_have_text("Momentum trading follows the move 1.")
    expect(page.get_by_role("button", name="Cancel")).to_be_hidden()
    made = page.get_by_role("region", name="How this answer was made")
    for words in (MODEL, "simple", "Written by the model", "New: not kept before", "asks for a definition"):
        expect(made).to_contain_text(words)
    assert page.locator(".sources li").count() >= 1


def test_the_bars_sum_to_the_whole(stand: Stand, visits: Visits) -> None:
    page = visits(stand.url).open()
    ask(page, "What is a stop order?")
    answered(page)
    bars = page.locator(".waterfall")
    total = float(bars.get_attribute("data-total") or 0)
    parts = bars.locator("li[data-seconds]:not(.inner)").evaluate_all(
        "all => all.map((one) => Number(one.dataset.seconds))"
    )
    assert total > 0
    assert sum(parts) == pytest.approx(total, abs=1e-9)
    names = bars.locator("li[data-stage]").evaluate_all("all => all.map((one) => one.dataset.stage)")
    assert {"route", "retrieve", "generate", "unaccounted"} <= set(names)


def test_asked_again_it_is_kept_and_leads_to_the_trace_that_made_it(stand: Stand, visits: Visits) -> None:
    first = stand.service.ask("What is slippage?")
    page = visits(stand.url).open()
    ask(page, "What is slippage?")
    answered(page)
    made = page.get_by_role("region", name="How this answer was made")
    expect(made).to_contain_text("Kept from before")
    link = made.get_by_role("link", name="the trace that made it")
    assert (link.get_attribute("href") or "").endswith(first["trace_id"])
    page.get_by_label("Answer afresh").check()
    ask(page, "What is slippage?")
    expect(made).to_contain_text("Not looked into")


def test_another_model_can_be_asked_for(stand: Stand, visits: Visits) -> None:
    page = visits(stand.url).open()
    page.get_by_label("Model").select_option(OTHER)
    ask(page, "What is a gap?")
    answered(page)
    expect(page.get_by_role("region", name="How this answer was made")).to_contain_text(
        f"Why {OTHER}: you asked for it"
    )


@pytest.mark.parametrize("way", ["button", "Escape"])
def test_cancelling_frees_the_model_and_keeps_what_came(
    stand: Stand, visits: Visits, model: FakeModel, way: str
) -> None:
    model.reply, model.token_s = LONG, 0.05
    before = stand.ollama.disconnects
    page = visits(stand.url).open()
    page.get_by_label("Answer afresh").check()
    ask(page, "What is a limit order?")
    expect(page.locator("#answer")).to_contain_text("word3")
    if way == "button":
        page.get_by_role("button", name="Cancel").click()
    else:
        page.keyboard.press("Escape")
    expect(page.locator("#progress")).to_contain_text("Cancelled")
    expect(page.locator("#answer")).to_contain_text("word3")
    expect(page.get_by_role("button", name="Ask", exact=True)).to_be_enabled()
    wait_until(lambda: stand.ollama.disconnects > before, PATIENCE_S, "the model is left")


def test_a_citation_opens_its_passage_in_its_document(stand: Stand, visits: Visits) -> None:
    page = visits(stand.url).open()
    ask(page, "What is a limit order?")
    answered(page)
    cited = page.locator("#answer .cite").first
    cited.click()
    panel = page.get_by_role("dialog")
    mark = panel.locator("mark")
    expect(mark).to_be_in_viewport()
    quoted = page.locator(".sources blockquote").first.inner_text().rstrip("…")
    assert " ".join(mark.inner_text().split()).startswith(" ".join(quoted.split())[:60])
    source = page.locator(".sources li button").first.inner_text()
    expect(panel).to_contain_text(source)
    assert len(panel.locator(".text").inner_text()) > len(mark.inner_text())
    page.keyboard.press("Escape")
    expect(panel).to_have_count(0)
    expect(cited).to_be_focused()


def test_characters_beyond_the_first_plane_shift_no_passage(stand: Stand, visits: Visits) -> None:
    text = "🚀📈 Rockets. " * 30 + "\n\nThe zirkon rule is to sell every zirkon on Monday.\n\n" + "📉 Falls. " * 30
    stand.service.client.post("/documents", files={"file": ("zirkon.md", text.encode())}).raise_for_status()
    cited = stand.service.ask("What is the zirkon rule?")["citations"]
    number, passage = next((at, one) for at, one in enumerate(cited) if "zirkon rule" in one["text"])
    whole = stand.service.client.get(f"/documents/{passage['document_id']}/text").text
    page = visits(stand.url).open()
    ask(page, "What is the zirkon rule?")
    answered(page)
    page.locator(".sources li").nth(number).get_by_role("button").click()
    expect(page.get_by_role("dialog").locator("mark")).to_contain_text("The zirkon rule")
    assert page.get_by_role("dialog").locator("mark").text_content() == whole[passage["start"] : passage["end"]]


def test_a_service_that_goes_away_in_the_middle_is_told_plainly(tmp_path: Path, visits: Visits) -> None:
    slow = FakeModel(MODEL, resident=True, reply=LONG, token_s=0.05)
    with FakeOllama([slow]).in_thread() as ollama, RunningService(tmp_path, {"RAG_OLLAMA__URL": ollama.url}) as service:
        wait_until(lambda: service.value("rag_ollama_up") == 1, PATIENCE_S, "the service sees Ollama")
        page = visits(service.url).open()
        page.get_by_label("Model").select_option(MODEL)
        ask(page, "What is momentum?")
        expect(page.locator("#answer")).to_contain_text("word3")
        service.kill()
        expect(page.get_by_role("alert")).to_contain_text("broke off before the answer was complete")
        expect(page.locator("#answer")).to_contain_text("word3")
        expect(page.locator("#strip")).to_contain_text("The service does not answer")
        page.get_by_role("button", name="Ask again").click()
        expect(page.get_by_role("alert")).to_contain_text("The service does not answer")
        slow.token_s = 0.0
        service.start()
        expect(page.locator("#strip")).not_to_contain_text("The service does not answer")
        page.get_by_role("button", name="Ask again").click()
        answered(page)


def test_a_refusal_is_told_with_its_reason(stand: Stand, visits: Visits) -> None:
    page = visits(stand.url).open()
    page.route("**/ask", lambda route: route.fulfill(
        status=429, content_type="application/problem+json", headers={"retry-after": "7"},
        body='{"status": 429, "kind": "overloaded", "detail": "16 wait for this model already", "trace_id": ""}',
    ))  # fmt: skip
    ask(page, "What is momentum?")
    expect(page.get_by_role("alert")).to_contain_text("16 wait for this model already Try again in 7 seconds.")
