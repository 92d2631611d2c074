"""The pictures of the page in the README: `python -m tests.e2e.console.screenshots`, needs a Chromium.

The service is real; the model server is the tests' own, so that the pictures show the same answers each time.
"""

import io
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, expect

from ops.stack.process import wait_until
from tests.components.browser import Visit, browsing
from tests.components.service import ROOT, RunningService
from tests.fakes.ollama_models import CHAT_MODELS, EMBEDDING_MODEL
from tests.fakes.ollama_server import FakeModel, FakeOllama

OUT = ROOT / "docs" / "console"
SIZE = {"width": 1100, "height": 860}
MOST_BYTES = 150_000
COLOURS = 64
PATIENCE_S = 60.0
ASKED = "What is momentum trading?"
ANSWER = (
    "Momentum trading buys instruments that have **recently risen** and sells those that have fallen, on the "
    "expectation that the move will continue for a while [1]. It needs three things:\n\n"
    "1. a measure of the move, such as the return of the last months [1],\n"
    "2. a rule for leaving when the move ends [2],\n"
    "3. position sizes that survive a sudden reversal [1]."
)
DOCUMENTS = ("momentum-trading.md", "trend-following.md", "position-sizing.md", "order-types.txt")
USUAL = tuple(f"What is a {kind} order?" for kind in ("stop", "limit", "market", "day", "trailing stop", "bracket"))
USUAL += tuple(f"What is a {kind} position?" for kind in ("long", "short", "large", "small", "fixed", "sized"))
LARGE_BYTES = 8_000_000_000
INSTALLED = (
    ("llama3.2:3b", 2_019_393_189, "3.2B"),
    ("llama3.1:latest", 4_920_753_328, "8.0B"),
    ("qwen2.5-coder:14b", 8_988_124_069, "14.8B"),
)
SMALL, _, CODER = (name for name, _, _ in INSTALLED)


def main() -> int:
    """Exit status: 0 written, 1 a picture is larger than a README should hold."""
    OUT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, browsing() as browser, FakeOllama(models()).in_thread() as ollama:
        corpus = Path(folder) / "documents"
        corpus.mkdir()
        for name in DOCUMENTS:
            shutil.copy(ROOT / "documents" / name, corpus)
        settings = {"RAG_OLLAMA__URL": ollama.url, "RAG_OLLAMA__POLL_S": "0.5", "RAG_DOCUMENTS_DIR": str(corpus)}
        with RunningService(Path(folder), settings) as service:
            wait_until(lambda: service.value("rag_ollama_up") == 1, PATIENCE_S, "the service sees Ollama")
            wait_until(service.embedded, PATIENCE_S, "every document has its vectors")
            live(service, ollama)
            for name, view in (("ask", ask), ("slow", slow), ("models", plain)):
                picture(browser, service.url, name, view)
    sizes = {file.name: file.stat().st_size for file in sorted(OUT.glob("*.png"))}
    sys.stdout.write("".join(f"{name}: {size:,} bytes\n" for name, size in sizes.items()))
    return int(max(sizes.values()) > MOST_BYTES)


def models() -> list[FakeModel]:
    """The largest is not installed. All texts have one vector: words alone decide what is found."""
    chat = [
        FakeModel(
            name, size=size, parameters=parameters, resident=size < LARGE_BYTES, prompt_eval_s=0.12, token_s=0.012
        )
        for name, size, parameters in INSTALLED
    ]
    same = (1.0, *[0.0] * 31)
    embedder = FakeModel(EMBEDDING_MODEL, size=274_302_450, parameters="137M", capabilities=("embedding",), vector=same)
    return [*chat, embedder]


def live(service: RunningService, ollama: FakeOllama) -> None:
    """Questions as usual, one whose prompt is read slowly, one that waits for its model, one that is asked again."""
    small = ollama.model(SMALL)
    for question in USUAL:
        service.ask(question, model=SMALL)
    small.prompt_eval_s = 2.1
    service.ask("What is position sizing?", model=SMALL)
    small.prompt_eval_s = 0.12
    ollama.model(CODER).load_s = 1.3
    service.ask("What is trend following?", model=CODER)
    service.ask(USUAL[0], model=SMALL)
    small.reply = tuple(f"{word} " for word in ANSWER.split(" "))


def picture(browser: Browser, url: str, name: str, view: Callable[[Page], None]) -> None:
    with Visit(browser, url, viewport=SIZE, color_scheme="light", timezone_id="UTC", locale="en") as visit:
        page = visit.open({"ask": "ask", "slow": "queries", "models": "models"}[name])
        view(page)
        page.wait_for_load_state("networkidle")
        small(page.screenshot(full_page=True), OUT / f"{name}.png")
        visit.assert_harmless()


def small(png: bytes, path: Path) -> None:
    """Few colours are enough for a page of text, and take half of the room."""
    with Image.open(io.BytesIO(png)) as image:
        image.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)


def ask(page: Page) -> None:
    page.get_by_label("Your question").fill(ASKED)
    page.keyboard.press("Control+Enter")
    expect(page.locator("#progress")).to_contain_text("Answered in")
    expect(page.get_by_role("region", name="How this answer was made")).to_contain_text("usual:")
    page.get_by_label("Your question").blur()


def slow(page: Page) -> None:
    page.locator("details.query summary").first.click()
    expect(page.locator("details.query .usual").first).to_be_visible()
    page.locator("details.query .spans li").first.wait_for()
    # The list goes on; the picture does not.
    page.evaluate("document.querySelectorAll('details.query').forEach((one, at) => { if (at > 5) one.remove(); })")


def plain(page: Page) -> None:
    expect(page.locator(".cards .card")).to_have_count(len(CHAT_MODELS) + 1)


if __name__ == "__main__":
    sys.exit(main())
