"""Documents that want to take the page over: fifty of them are answered from, read and listed, and nothing happens."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from ops.stack.process import wait_until
from tests.components.service import RunningService
from tests.e2e.console.conftest import MODEL, PATIENCE_S, Visits
from tests.fakes.http_listener import HttpListener, Request
from tests.fakes.ollama_server import FakeModel, FakeOllama

# `{away}` is a server that nobody may ask.
ATTACKS = (
    "<script>window.pwned = 1</script>",
    "<script src='{away}/a.js'></script>",
    "<script type=module>import '{away}/b.js'</script>",
    "<img src={away}/c.png>",
    "<img src=x onerror=window.pwned=1>",
    "<svg onload=window.pwned=1></svg>",
    "<svg><script>window.pwned=1</script></svg>",
    "<svg><use href='{away}/d.svg#x'></use></svg>",
    "<svg><image href={away}/e.png></image></svg>",
    "<svg><animate onbegin=window.pwned=1 attributeName=x dur=1s></svg>",
    "<svg><foreignObject><iframe srcdoc='<script>parent.pwned=1</script>'></foreignObject></svg>",
    "<iframe src={away}/f.html></iframe>",
    "<iframe src='javascript:parent.pwned=1'></iframe>",
    "<object data={away}/g.swf></object>",
    "<embed src={away}/h.swf>",
    "<link rel=stylesheet href={away}/i.css>",
    "<style>@import '{away}/j.css'; body {{ display: none }}</style>",
    "<style>main {{ background: url({away}/k.png) }}</style>",
    "<base href={away}/>",
    "<meta http-equiv=refresh content='0;url={away}/l'>",
    "<form action={away}/m><button autofocus onfocus=window.pwned=1>x</button></form>",
    "<body onload=window.pwned=1>",
    "<details open ontoggle=window.pwned=1>x</details>",
    "<video autoplay onerror=window.pwned=1><source src={away}/n.mp4></video>",
    "<audio src={away}/o.mp3 autoplay>",
    "<math><mtext><table><mglyph><style><img src=x onerror=window.pwned=1>",
    "<marquee onstart=window.pwned=1>x</marquee>",
    "<input autofocus onfocus=window.pwned=1>",
    "<a href='javascript:window.pwned=1'>click</a>",
    "<a href=data:text/html,<script>window.pwned=1</script>>click</a>",
    "[click](javascript:window.pwned=1)",
    "[click](javascript&#58;window.pwned=1)",
    "[click]({away}/p)",
    "![picture]({away}/q.png)",
    "![picture](javascript:window.pwned=1)",
    "[picture]: {away}/r.png\n\n![picture][picture]",
    "<{away}/s> and {away}/t stand bare",
    "```html\n<script>window.pwned=1</script>\n```",
    "`<img src=x onerror=window.pwned=1>`",
    "**<img src=x onerror=window.pwned=1>**",
    "# <img src=x onerror=window.pwned=1>",
    "> <img src=x onerror=window.pwned=1>",
    "- <img src=x onerror=window.pwned=1>",
    "| <img src=x onerror=window.pwned=1> |\n|---|",
    "</textarea></script></style></title><img src=x onerror=window.pwned=1>",
    "'\"><img src=x onerror=window.pwned=1>",
    "\" onmouseover=window.pwned=1 x=\"",
    "<template><script>window.pwned=1</script></template><dialog open>x</dialog>",
    "{{{{constructor.constructor('window.pwned=1')()}}}} ${{window.pwned=1}}",
    "\u202e\u2066<img src=x onerror=window.pwned=1>\u2069",
)  # fmt: skip

LOADING = (
    "iframe, object, embed, img, video, audio, form[action], main style, main script, base, main a:not([href^='#'])"
)


class Away(HttpListener):
    """A server that nobody may ask. `asked` holds the paths of those who did."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def get(self, request: Request) -> None:
        self.asked.append(request.path)
        request.reply(204)


@pytest.fixture
def away() -> Iterator[Away]:
    with Away() as server:
        yield server


def test_there_are_fifty_of_them() -> None:
    assert len(ATTACKS) == len(set(ATTACKS)) == 50


def test_nothing_runs_and_nothing_is_loaded(tmp_path: Path, visits: Visits, away: Away) -> None:
    model = FakeModel(MODEL, resident=True)
    empty = tmp_path / "documents"
    empty.mkdir()
    with FakeOllama([model]).in_thread() as ollama:
        settings = {"RAG_OLLAMA__URL": ollama.url, "RAG_EMBEDDING__MODEL": "", "RAG_DOCUMENTS_DIR": str(empty)}
        with RunningService(tmp_path / "service", settings) as service:
            wait_until(lambda: service.value("rag_ollama_up") == 1, PATIENCE_S, "the service sees Ollama")
            visit = visits(service.url)
            page = visit.open()
            page.get_by_label("Model").select_option(MODEL)
            for number, attack in enumerate(ATTACKS):
                payload = attack.format(away=away.url)
                add(service, number, payload)
                # The model says it too, as one that was talked into it would.
                model.reply = (f"The grimble{number} says ", payload, " [1]")
                provoke(page, number)
            page.get_by_role("link", name="Documents").click()
            expect(page.locator("#documents li")).to_have_count(len(ATTACKS))
            page.get_by_role("link", name="Queries").click()
            expect(page.locator("details.query")).not_to_have_count(0)
            assert page.evaluate("window.pwned") is None
            visit.assert_harmless()
    assert away.asked == []


def add(service: RunningService, number: int, payload: str) -> None:
    text = f"The grimble{number} is a thing that says this: {payload} and so grimble{number} is told."
    name = f"grimble{number}<img src=x onerror=window.pwned=1>.txt" if number % 5 == 0 else f"grimble{number}.txt"
    service.client.post("/documents", files={"file": (name, text.encode())}).raise_for_status()


def provoke(page: Page, number: int) -> None:
    page.get_by_label("Your question").fill(f"What does the grimble{number} say?")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#answer")).to_contain_text(f"The grimble{number} says")
    expect(page.locator("#progress")).to_contain_text("Answered in")
    # As far as the page may go: none of its elements can run, load or lead anywhere.
    assert page.locator(LOADING).count() == 0
    page.locator(".sources li button").first.click()
    expect(page.get_by_role("dialog")).to_contain_text(f"grimble{number} is told")
    assert page.locator(LOADING).count() == 0
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
