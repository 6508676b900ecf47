"""All pages in a real browser, against the stack: on a phone, in the dark, for everybody; and the operator's own."""

import re

import pytest
from playwright.sync_api import expect

from tests.support.browser import PHONE, Open, needs_chromium
from tests.support.family import SIMULATOR
from tests.support.stack import Stack
from tests.support.waiting import wait_until

pytestmark = needs_chromium
PAGES = [SIMULATOR, "/status"]


@pytest.mark.parametrize("path", [*PAGES, "/docs"])
def test_phone(opened: Open, path: str) -> None:
    """On a phone of 360 px nothing is wider than the screen."""
    with opened(viewport=PHONE) as tab:
        tab.open(path)
        assert PHONE["width"] >= tab.page.evaluate("document.documentElement.scrollWidth")


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("locale", ["fr-FR", "en-GB"])
def test_accessible(opened: Open, path: str, scheme: str, locale: str) -> None:
    """axe-core finds nothing serious, contrast included, in light and dark and in both languages."""
    with opened(color_scheme=scheme, locale=locale) as tab:
        tab.open(path)
        assert [] == tab.serious()
        lightness = tab.page.evaluate("Number(getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0])")
        assert (scheme == "dark") == (lightness < 64)


def test_operators_page(opened: Open, stack: Stack) -> None:
    """The operator sees all replicas and workers of the host, requests, alerts, the room of the logs, and MailHog."""
    with opened() as tab:

        def seen() -> bool:
            tab.open("/status")
            return "2 × 2 4 workers seen" in tab.text("main > dl")

        wait_until(seen, 30)
        assert "2" == stack.compose("exec", "-T", "api", "cat", "/state/replicas").strip()
        tiles = tab.text("main > dl")
        assert re.search(r"Requests, last five minutes [1-9]\d*", tiles)
        assert re.search(r"\d+ pending", tiles)
        assert re.search(r"Room of the logs [\d.]+ GiB free of [\d.]+ GiB", tiles)
        schedules = stack.get("/health/ready").body["response"]["schedules"]
        assert f"schedules {schedules}, income years 2018 to 2025" in tiles
        assert 4 == tab.page.locator("#workers-heading ~ div tbody tr").count()
        assert f"http://127.0.0.1:{stack.mail_port}/" == tab.page.locator("main dl a").get_attribute("href")
        before = tab.text(".intro time")
        expect(tab.page.locator(".intro time")).not_to_have_text(before, timeout=15000)
