"""Headless Chromium, driven by Playwright: Debian's or whichever is found. Nothing is downloaded."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from tests.components.fixtures import absent

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
MISSING = "no Chromium was found: install Debian's package `chromium`, or any browser called " + ", ".join(PROGRAMS)
PATIENCE_MS = 20_000
_REPORT = """
window.broken = [];
document.addEventListener("securitypolicyviolation", (event) => {
  window.broken.push(`${event.effectiveDirective} ${event.blockedURI} ${event.sample}`);
});
"""


def chromium() -> str:
    """The program's path; else this test is skipped, or fails where components are required."""
    found = next(filter(None, map(shutil.which, PROGRAMS)), None)
    return found if found is not None else absent(MISSING)


@contextmanager
def browsing() -> Iterator[Browser]:
    """One browser. It knows no proxy, so that loopback is all that it reaches."""
    arguments = ["--no-proxy-server", "--disable-dev-shm-usage"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        arguments.append("--no-sandbox")  # Chromium refuses to start as root with it
    program = chromium()
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=arguments)
        try:
            yield browser
        finally:
            browser.close()


class Visit:
    """One visitor of the page at `url`, in a context of its own. What must never happen is kept: `outside` (requests to
    any other origin), `violations` of the policy, `faults` (errors in the page's scripts), `alerts`."""

    def __init__(self, browser: Browser, url: str, **options: Any) -> None:
        self.url = url
        self.asked: list[str] = []
        self.faults: list[str] = []
        self.alerts: list[str] = []
        self.context: BrowserContext = browser.new_context(**options)
        self.context.set_default_timeout(PATIENCE_MS)
        self.context.add_init_script(_REPORT)
        self.page: Page = self.context.new_page()
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("console", self._heard)
        self.page.on("dialog", self._alerted)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.context.close()

    def open(self, view: str = "ask") -> Page:
        """Go to a view, by its address."""
        self.page.goto(f"{self.url}/#/{view}")
        self.page.locator("main > section:visible h1").wait_for()
        return self.page

    @property
    def outside(self) -> list[str]:
        """Whatever was asked of somebody else."""
        home = urlsplit(self.url).netloc
        return [url for url in self.asked if urlsplit(url).netloc != home]

    @property
    def violations(self) -> list[str]:
        return list(self.page.evaluate("window.broken ?? []"))

    def assert_harmless(self) -> None:
        """Nothing that must never happen has happened."""
        assert (self.outside, self.violations, self.faults, self.alerts) == ([], [], [], [])

    def _heard(self, message: ConsoleMessage) -> None:
        # A refusal that the page deals with is told as such an error too.
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            self.faults.append(message.text)

    def _alerted(self, dialog: Any) -> None:
        self.alerts.append(dialog.message)
        dialog.dismiss()
