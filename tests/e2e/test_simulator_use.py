"""The simulator in use, in a real browser, against the stack: its language, its mistakes, its address, its keyboard."""

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Route, expect

from tests.support.browser import STATUS_400, Open, needs_chromium
from tests.support.family import SIMULATOR, in_euros
from tests.support.stack import Stack

pytestmark = needs_chromium


def test_link_is_copied(opened: Open) -> None:
    """The link with the household is copied to the clipboard, and that is said; where it may not be, that is said."""
    with opened(permissions=["clipboard-read", "clipboard-write"]) as tab:
        tab.open(SIMULATOR)
        tab.page.get_by_role("button", name="Copy the link").click()
        expect(tab.page.locator("#shared")).to_contain_text("Link copied.")
        copied = tab.page.evaluate("navigator.clipboard.readText()")
        assert copied == tab.page.url
        assert copied.endswith("&salary=50000&spouse_salary=20000")
        tab.page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('no')); }")
        tab.page.get_by_role("button", name="Copy the link").click()
        expect(tab.page.locator("#shared")).to_contain_text("copy it from there")


def test_year_and_language(opened: Open) -> None:
    """Another year is a click away; the language is the browser's until another is chosen, which is remembered."""
    with opened() as tab:
        tab.open(SIMULATOR)
        tab.page.get_by_role("button", name="Income year 2018:").click()
        expect(tab.page.locator("#results-heading")).to_have_text("To pay on the income of 2018")
        assert "année blanche" in tab.text("#notes")
        tab.page.get_by_role("button", name="Français").click()
        assert "À payer sur les revenus de 2018" == tab.text("#results-heading")
        tab.open("/simulator")
        assert ("fr", "Le foyer") == (tab.page.locator("html").get_attribute("lang"), tab.text("#form-heading"))
    with opened(locale="fr-FR") as tab:
        tab.open("/simulator")
        assert "Combien paie un foyer, et pourquoi ?" == tab.text("h1")


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("salary", "12x", "Expected: a whole number from 0 to 999 999 999."),
        ("salary", "", "Please fill this in: a whole number from 0 to 999 999 999."),
        ("children", "-1", "Expected: a whole number from 0 to 99."),
    ],
)
def test_bad_value(opened: Open, name: str, value: str, sentence: str) -> None:
    """A bad value is said at its field, with what was expected, and nothing else is shown as a result."""
    with opened() as tab:
        tab.open("/simulator")
        tab.page.locator(f"#{name}").fill(value)
        tab.page.get_by_role("button", name="Calculate").click()
        expect(tab.page.locator(f"#{name}-error")).to_have_text(re.compile(re.escape(sentence).replace(r"\ ", r"\s")))
        assert "true" == tab.page.locator(f"#{name}").get_attribute("aria-invalid")
        expect(tab.page.locator(f"#{name}")).to_be_focused()
        assert not tab.page.locator("#results").is_visible()
        tab.forgive(STATUS_400)
        assert [] == tab.serious()


def test_shared_address(opened: Open, stack: Stack, family: dict[str, Any]) -> None:
    """An address holds the household in its fragment; no address that the server gets holds a salary."""
    before = len(stack.records("nginx/access.log"))
    with opened() as tab:
        tab.open(SIMULATOR)
        assert in_euros(family["collected"]) == tab.text("#collected")
        tab.page.get_by_label("Yearly salary", exact=True).fill("51234")
        tab.page.keyboard.press("Enter")
        expect(tab.page.locator("#results-heading")).to_be_visible()
        expect(tab.page).to_have_url(re.compile(r"/simulator#.*salary=51234&"))
        sent = [urlsplit(address) for address in tab.asked]
        assert [] == [one for one in sent if re.search("50000|20000|51234", one.path + one.query)]
    records = stack.records("nginx/access.log")[before:]
    # Not the whole lines: an id or a time may have any digits.
    assert [] == [r for r in records if "51234" in r["uri"]] != records


def test_keyboard_alone(opened: Open, family: dict[str, Any]) -> None:
    """The whole form can be filled and sent by keyboard, in its order, with a visible focus."""
    with opened() as tab:
        tab.open("/simulator")
        page, press = tab.page, tab.page.keyboard.press
        press("Tab")
        assert "Skip to the content" == page.locator(":focus").inner_text()
        press("Enter")
        press("Tab")
        press("ArrowDown")
        expect(page.locator("#year")).to_have_value("2024")
        press("Tab")
        press("ArrowDown")
        assert "couple" == page.locator(":focus").get_attribute("value")
        for _ in range(3):
            press("Tab")
        assert "One child more" == page.locator(":focus").get_attribute("aria-label")
        press("Space")
        press("Space")
        press("Tab")
        page.keyboard.type("50000")
        press("Tab")
        page.keyboard.type("20000")
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert "solid" == outline
        press("Enter")
        expect(page.locator("#collected")).to_have_text(in_euros(family["collected"]))
        announced = f"Income of 2024: {in_euros(family['collected'])} to pay"
        assert tab.page.locator("#announcement").inner_text().startswith(announced)


def test_short_bodies(opened: Open) -> None:
    """Where fewer households fit into a body than the service would take, they are asked for in pieces that fit."""
    longest = 2000
    refusal = json.dumps({"response": {"errors": ["too large"], "request_id": "0123456789"}})

    def bound(route: Route) -> None:
        if len(route.request.post_data or "") <= longest:
            route.fallback()
        else:
            route.fulfill(status=413, body=refusal, content_type="application/json")

    with opened() as tab:
        tab.open(SIMULATOR)
        results = tab.text("#results")
        tab.page.route("**/*", bound)
        tab.open("about:blank")
        tab.open(SIMULATOR)
        expect(tab.page.locator("#results-heading")).to_be_visible()
        assert results == tab.text("#results")
        tab.forgive("Failed to load resource: the server responded with a status of 413")


def test_server_gone_or_login_refused(opened: Open) -> None:
    """When the server is gone or refuses the login, the page says so in words and keeps what was entered."""

    def answer(status: int) -> Callable[[Route], None]:
        body = json.dumps({"response": {"errors": ["no"], "request_id": "0123456789"}})
        return lambda route: route.fulfill(status=status, body=body, content_type="application/json")

    def posts(handler: Callable[[Route], None]) -> Callable[[Route], None]:
        return lambda route: handler(route) if route.request.method == "POST" else route.fallback()

    with opened() as tab:
        tab.open(SIMULATOR)
        cases = [
            (lambda route: route.abort(), "requestfailed", "The server cannot be reached."),
            (answer(502), "requestfinished", "The server cannot be reached."),
            (answer(401), "requestfinished", "The server refused the login."),
            (answer(500), "requestfinished", "give the operator this request id: 0123456789"),
        ]
        for handler, event, words in cases:
            tab.page.route("**/*", posts(handler))
            with tab.page.expect_event(event, lambda request: request.method == "POST"):  # not yet of the one before
                tab.page.get_by_role("button", name="Calculate").click()
            expect(tab.page.locator("#trouble")).to_contain_text(words)
            assert "50 000" == re.sub(r"\s", " ", tab.page.locator("#salary").input_value())
            tab.page.unroute_all()
        tab.page.get_by_role("button", name="Calculate").click()
        expect(tab.page.locator("#trouble")).to_be_hidden()
        tab.forgive("Failed to load resource")
