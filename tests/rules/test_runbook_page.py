"""The runbook as the page that alerts link to."""

import re

from prometheus.__main__ import PAGE, RUNBOOK
from prometheus.runbook_page import anchor, page


def test_a_heading_is_reached_by_the_name_of_its_alert() -> None:
    assert '<h2 id="ragollamadown">RagOllamaDown</h2>' in page("# Runbook\n\n## RagOllamaDown\n\nText.\n")


def test_anchors_are_as_links_within_the_file_have_them() -> None:
    assert anchor("What pages, and what waits") == "what-pages-and-what-waits"


def test_commands_keep_their_signs_and_html_is_shown_not_followed() -> None:
    made = page("Run `curl 'a?b=1&c=2'`.\n\n<script>alert(1)</script>\n\n| a | b |\n|---|---|\n| 1 | 2 |\n")
    assert "<code>curl 'a?b=1&amp;c=2'</code>" in made
    assert "<script>" not in made
    assert "<td>2</td>" in made


def test_every_link_within_the_runbook_leads_somewhere() -> None:
    made = page(RUNBOOK.read_text(encoding="utf-8"))
    assert set(re.findall(r'href="#([^"]+)"', made)) <= set(re.findall(r'id="([^"]+)"', made))


def test_nothing_is_loaded_from_anywhere() -> None:
    made = page(RUNBOOK.read_text(encoding="utf-8"))
    assert not re.search(r"<(?:script|link|img|iframe)\b", made)


def test_the_page_that_prometheus_serves_is_the_runbook() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(RUNBOOK.read_text(encoding="utf-8"))
