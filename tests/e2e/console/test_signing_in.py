"""Signing in with a key: a wrong one, what each scope shows, and that the key stays nowhere but in memory."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from ops.stack.process import wait_until
from service.auth.keys import KeyStore
from service.auth.principal import Scope
from service.clock import SystemClock
from tests.components.service import RunningService
from tests.e2e.console.conftest import MODEL, PATIENCE_S, Visits
from tests.fakes.ollama_server import FakeModel, FakeOllama


@dataclass(frozen=True)
class Locked:
    """A service that asks for keys."""

    service: RunningService
    keys: KeyStore
    model: FakeModel

    def key(self, name: str, scopes: Sequence[Scope]) -> str:
        """A new key that the service has noticed: it looks at the file now and then."""
        token = self.keys.create(name, scopes)[0]
        wait_until(lambda: self.accepts(token), PATIENCE_S, "the service knows the key")
        return token

    def accepts(self, token: str) -> bool:
        headers = {"authorization": f"Bearer {token}"}
        return self.service.client.get("/session", headers=headers).status_code == 200


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Locked]:
    folder: Path = tmp_path_factory.mktemp("locked")
    keys = KeyStore(folder / "data" / "keys.json", SystemClock())
    owner = keys.create("owner", list(Scope))[0]
    model = FakeModel(MODEL)
    with FakeOllama([model]).in_thread() as ollama:
        settings = {"RAG_AUTH__MODE": "keys", "RAG_OLLAMA__URL": ollama.url, "RAG_OLLAMA__POLL_S": "0.2"}
        with RunningService(folder, settings) as service:
            wait_until(lambda: service.value("rag_ollama_up") == 1, PATIENCE_S, "the service sees Ollama")
            service.client.headers["authorization"] = f"Bearer {owner}"
            yield Locked(service, keys, model)


def give_key(page: Page, key: str) -> None:
    page.get_by_label("API key").fill(key)
    page.get_by_role("dialog").get_by_role("button", name="Sign in").click()


def sign_in(page: Page, key: str) -> None:
    """With a key that is good. While the dialogue is open, what is typed would go into it."""
    give_key(page, key)
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_a_wrong_key_is_told_and_a_right_one_opens_everything(locked: Locked, visits: Visits) -> None:
    visit = visits(locked.service.url)
    page = visit.open()
    dialog = page.get_by_role("dialog", name="Sign in")
    expect(dialog).to_be_visible()
    before = page.content()
    for secret in ("momentum-trading.md", MODEL, "0.1.0"):
        assert secret not in before, "told to somebody without a key"
    give_key(page, "erag_wrong")
    expect(dialog.get_by_role("alert")).to_contain_text("This key is not accepted")
    key = locked.key("alice", list(Scope))
    sign_in(page, key)
    expect(page.locator("#who")).to_have_text("Signed in as alice")
    page.get_by_label("Your question").fill("What is momentum trading?")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#progress")).to_contain_text("Answered in")
    assert page.evaluate("[localStorage.length, sessionStorage.length, document.cookie]") == [0, 0, ""]
    assert not any(key in url for url in visit.asked)
    page.reload()
    expect(dialog).to_be_visible()


def test_signing_out_forgets_the_key(locked: Locked, visits: Visits) -> None:
    page = visits(locked.service.url).open()
    sign_in(page, locked.key("bob", list(Scope)))
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("dialog", name="Sign in")).to_be_visible()
    page.get_by_role("button", name="Not now").click()
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()


def test_a_key_shows_what_its_scopes_allow(locked: Locked, visits: Visits) -> None:
    page = visits(locked.service.url).open()
    sign_in(page, locked.key("carol", [Scope.ASK, Scope.MONITOR]))
    expect(page.locator("#who")).to_have_text("Signed in as carol")
    page.get_by_role("link", name="Models").click()
    card = page.locator(".card", has=page.get_by_role("heading", name=MODEL))
    expect(card).to_contain_text("installed")
    expect(card.get_by_role("button", name="Load into memory")).to_have_count(0)
    page.get_by_role("link", name="Documents").click()
    expect(page.locator("#documents")).to_contain_text("momentum-trading.md")
    expect(page.get_by_label("Add Markdown")).to_be_hidden()
    expect(page.get_by_role("button", name="Delete")).to_have_count(0)


def test_an_admin_loads_a_model_and_sees_how_to_get_the_others(locked: Locked, visits: Visits) -> None:
    locked.model.resident = False
    page = visits(locked.service.url).open("models")
    sign_in(page, locked.key("dora", list(Scope)))
    card = page.locator(".card", has=page.get_by_role("heading", name=MODEL))
    card.get_by_role("button", name="Load into memory").click()
    expect(card).to_contain_text("It is in memory.")
    assert locked.model.resident
    missing = page.locator(".card", has=page.get_by_role("heading", name="gpt-oss:20b"))
    expect(missing).to_contain_text("emini-rag models pull gpt-oss:20b")


def test_a_key_that_is_revoked_is_asked_for_again(locked: Locked, visits: Visits) -> None:
    page = visits(locked.service.url).open()
    token = locked.key("eve", list(Scope))
    sign_in(page, token)
    expect(page.locator("#who")).to_have_text("Signed in as eve")
    locked.keys.revoke(next(one.id for one in locked.keys.list() if one.name == "eve"))
    wait_until(lambda: not locked.accepts(token), PATIENCE_S, "the key is no longer known")
    page.get_by_role("link", name="Documents").click()
    expect(page.get_by_role("dialog")).to_contain_text("no longer accepts this key")


def test_without_the_monitor_scope_an_answer_is_explained_all_the_same(locked: Locked, visits: Visits) -> None:
    page = visits(locked.service.url).open()
    sign_in(page, locked.key("frank", [Scope.ASK]))
    page.get_by_label("Your question").fill("What is VWAP?")
    page.keyboard.press("Control+Enter")
    made = page.get_by_role("region", name="How this answer was made")
    expect(made).to_contain_text("not shown: this key has no monitor scope")
    expect(made.locator(".waterfall li")).not_to_have_count(0)
