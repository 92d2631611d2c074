"""The small page at /."""

import base64
import hashlib
import re

import pytest

from service.alert_receivers import AlertDelivery
from service.api.page import page_html
from service.services import About, DependencyStatus
from tests.unit.api.client import client_of, with_keys


async def test_it_is_open_says_the_state_and_how_to_ask() -> None:
    fakes, _ = with_keys()
    async with client_of(fakes) as client:
        reply = await client.get("/")
    assert reply.headers["content-type"] == "text/html; charset=utf-8"
    assert "it is <strong>ready</strong>" in reply.text
    assert "curl -s http://localhost/ask" in reply.text
    assert "ollama: away (or without a model; until `emini-rag models pull --all` has run" in reply.text
    assert "emini-rag doctor" in reply.text
    assert "secret" not in reply.text


def test_with_everything_there_it_gives_no_advice() -> None:
    there = DependencyStatus("ollama", ok=True, required=False)
    html = page_html(About("x", "1", "r", "production"), [there], "http://localhost", stopping=False)
    assert "ollama: there" in html
    assert "emini-rag doctor" not in html
    away = DependencyStatus("chroma", ok=False, required=False)
    html = page_html(About("x", "1", "r", "production"), [there, away], "http://localhost", stopping=False)
    assert "chroma: away (the service answers without it)" in html
    assert "docker compose exec rag-service emini-rag doctor" in html


@pytest.mark.parametrize(
    ("alerts", "says", "warns"),
    [
        (AlertDelivery.OFF, "alerts: none", False),
        (AlertDelivery.NOBODY, "<strong>nobody is told</strong>", True),
        (AlertDelivery.TOLD, "alerts: told", False),
    ],
)
def test_it_warns_when_nobody_is_told_of_alerts(alerts: AlertDelivery, says: str, warns: bool) -> None:
    there = DependencyStatus("ollama", ok=True, required=False)
    html = page_html(About("x", "1", "r", "production", alerts=alerts), [there], "http://localhost", stopping=False)
    assert says in html
    assert ('class="away"' in html) is ("ALERT_RECEIVERS" in html) is ("emini-rag doctor" in html) is warns


async def test_the_policy_allows_its_own_style_and_nothing_else() -> None:
    fakes, _ = with_keys()
    async with client_of(fakes) as client:
        reply = await client.get("/")
    style = re.findall(r"<style>(.*?)</style>", reply.text, re.DOTALL)[0]
    policy = reply.headers["content-security-policy"]
    assert base64.b64encode(hashlib.sha256(style.encode()).digest()).decode() in policy
    assert "default-src 'none'" in policy
    assert "<script" not in reply.text
    assert not re.findall(r'(?:src|href)="(?!/)', reply.text)


def test_what_is_not_ours_is_escaped() -> None:
    about = About("<b>x", "1", "r", "<i>y")
    html = page_html(about, [DependencyStatus("<u>z", True, True)], "http://<s>", stopping=True)
    for text in ("<b>x", "<i>y", "<u>z", "<s>"):
        assert text not in html
    assert "stopping" in html
