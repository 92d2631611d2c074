"""Documents in the browser: adding with progress, reading, deleting after a question, and what is refused."""

from playwright.sync_api import FilePayload, expect

from tests.e2e.console.conftest import Stand, Visits


def file(name: str, text: str) -> FilePayload:
    return {"name": name, "mimeType": "text/plain", "buffer": text.encode()}


def test_one_is_added_found_read_and_deleted(stand: Stand, visits: Visits) -> None:
    page = visits(stand.url).open("documents")
    files = page.get_by_label("Add Markdown")
    files.set_input_files(
        [file("quokka.md", "# Quokka\n\nThe quokka rule is to smile."), file("b.txt", "Balance. " * 9)]
    )
    expect(page.locator(".uploads")).to_contain_text("quokka.md: added, 1 passage")
    expect(page.locator(".uploads")).to_contain_text("b.txt: added")
    page.get_by_label("Only names with").fill("quok")
    row = page.locator("#documents li")
    expect(row).to_have_count(1)
    row.get_by_role("button", name="quokka.md", exact=True).click()
    expect(page.get_by_role("dialog")).to_contain_text("The quokka rule is to smile.")
    page.keyboard.press("Escape")
    assert stand.service.ask("What is the quokka rule?")["citations"][0]["source"] == "quokka.md"

    delete = page.get_by_role("button", name="Delete quokka.md")
    delete.click()
    page.get_by_role("button", name="Keep it").click()
    expect(row).to_have_count(1)
    delete.click()
    page.get_by_role("button", name="Delete it").click()
    expect(row).to_have_count(0)
    sources = {one["source"] for one in stand.service.client.get("/documents").json()["documents"]}
    assert "quokka.md" not in sources


def test_progress_is_shown_while_a_file_is_sent(stand: Stand, visits: Visits) -> None:
    visit = visits(stand.url)
    page = visit.open("documents")
    slowly = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 400_000}
    visit.context.new_cdp_session(page).send("Network.emulateNetworkConditions", slowly)
    page.evaluate(
        """() => new MutationObserver(() => {
          const bar = document.querySelector(".uploads progress");
          if (bar) (window.shares ??= []).push(bar.value);
        }).observe(document.querySelector(".uploads"), {childList: true, subtree: true, characterData: true})"""
    )
    page.get_by_label("Add Markdown").set_input_files([file("large.txt", "A large file about nothing. " * 20_000)])
    expect(page.locator(".uploads")).to_contain_text("large.txt: added")
    shares = page.evaluate("window.shares")
    assert any(0 < share < 1 for share in shares), shares


def test_what_cannot_be_read_is_refused_with_the_reason(stand: Stand, visits: Visits) -> None:
    page = visits(stand.url).open("documents")
    page.get_by_label("Add Markdown").set_input_files(
        [
            {"name": "broken.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.4 nothing"},
            file("good.txt", "Good. " * 9),
        ]
    )
    expect(page.locator(".uploads .bad")).to_contain_text("broken.pdf:")
    expect(page.locator(".uploads")).to_contain_text("good.txt: added")


def test_a_document_that_went_away_is_told_plainly(stand: Stand, visits: Visits) -> None:
    stand.service.client.post("/documents", files={"file": ("gone.md", b"# Gone\n\nSoon gone.")}).raise_for_status()
    page = visits(stand.url).open("documents")
    page.get_by_label("Only names with").fill("gone.md")
    expect(page.locator("#documents li")).to_have_count(1)
    listed = stand.service.client.get("/documents").json()["documents"]
    identity = next(one["id"] for one in listed if one["source"] == "gone.md")
    stand.service.client.delete(f"/documents/{identity}").raise_for_status()
    page.get_by_role("button", name="gone.md", exact=True).click()
    expect(page.get_by_role("dialog")).to_contain_text("This document is no longer there")
