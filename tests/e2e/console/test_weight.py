"""What the first visit costs, and the second."""

from collections.abc import Callable

from playwright.sync_api import Page, Request, expect

from service.api.page import assets
from tests.e2e.console.conftest import Stand, Visits

MOST_BYTES = 150_000
AIM_BYTES = 60_000
INTERACTIVE_MS = 1000
LOADS = 5


def loaded(page: Page, url: str) -> tuple[int, list[Request]]:
    """Bytes on the wire until the page is quiet."""
    finished: list[Request] = []
    page.on("requestfinished", lambda request: finished.append(request))  # noqa: PLW0108 # Playwright marks the function
    page.goto(url, wait_until="networkidle")
    expect(page.get_by_label("Your question")).to_be_visible()
    sizes = [request.sizes() for request in finished]
    return sum(size["responseBodySize"] + size["responseHeadersSize"] for size in sizes), finished


def test_the_first_visit_is_light_and_soon_there(stand: Stand, visits: Visits, seen: Callable[[str], None]) -> None:
    took_ms, weights = [], []
    for _ in range(LOADS):
        page = visits(stand.url).page
        weights.append(loaded(page, f"{stand.url}/")[0])
        took_ms.append(page.evaluate("performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd"))
    seen(f"the page's first visit: {max(weights):,} bytes; can be used after {min(took_ms):.0f} ms (best of {LOADS})")
    assert max(weights) <= AIM_BYTES <= MOST_BYTES
    # The best of some: others use this machine's cores too.
    assert min(took_ms) < INTERACTIVE_MS


def test_the_second_visit_loads_no_file_again(stand: Stand, visits: Visits) -> None:
    page = visits(stand.url).page
    loaded(page, f"{stand.url}/")
    _, again = loaded(page, f"{stand.url}/?")
    files = [request for request in again if "/console/" in request.url]
    assert files
    assert sum(request.sizes()["responseBodySize"] for request in files) == 0


def test_every_file_is_loaded_and_every_preload_is_used(stand: Stand, visits: Visits) -> None:
    visit = visits(stand.url)
    warned: list[str] = []
    visit.page.on("console", lambda message: warned.append(message.text) if message.type == "warning" else None)
    loaded(visit.page, f"{stand.url}/")
    asked = {url.partition("/console/")[2] for url in visit.asked if "/console/" in url}
    assert asked == set(assets()) - {"index.html"}
    assert warned == []
