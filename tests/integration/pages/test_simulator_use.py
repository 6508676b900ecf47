"""Use of the simulator in a real browser: language, URL and keyboard."""

import re
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import expect

from tests.support.browser import Open
from tests.support.family import SIMULATOR, in_euros


def test_link_is_copied(opened: Open) -> None:
    """The page copies the link with the household to the clipboard, and reports success or failure."""
    with opened(permissions=["clipboard-read", "clipboard-write"]) as tab:
        tab.open(SIMULATOR)
        tab.page.get_by_role("button", name="Copy the link").click()
        expect(tab.page.locator("#shared")).to_contain_text("Link copied.")
        copied = tab.page.evaluate("navigator.clipboard.readText()")
        assert copied == tab.page.url
        assert copied.endswith("&salary=50000&spouse_salary=20000")
        tab.page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('no')); }")
        tab.page.get_by_role("button", name="Copy the link").click()
        expect(tab.page.locator("#shared")).to_contain_text("Copy it from the address bar.")


def test_year_and_language(opened: Open) -> None:
    """A click selects a year. By default the page uses the browser's language. A selected language is stored."""
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


def test_shared_address(opened: Open, family: dict[str, Any]) -> None:
    """The fragment of the page's URL contains the household, and no requested URL contains a salary."""
    with opened() as tab:
        tab.open(SIMULATOR)
        assert in_euros(family["collected"]) == tab.text("#collected")
        tab.page.get_by_label("Yearly salary", exact=True).fill("51234")
        tab.page.keyboard.press("Enter")
        expect(tab.page.locator("#curve-legend")).to_contain_text("€51,234")
        expect(tab.page).to_have_url(re.compile(r"/simulator#.*salary=51234&"))
        sent = [urlsplit(address) for address in tab.asked]
        assert [] == [one for one in sent if re.search("50000|20000|51234", one.path + one.query)] != sent


def test_keyboard_alone(opened: Open, family: dict[str, Any]) -> None:
    """A user can fill in and submit the form with the keyboard only, in order and with a visible focus."""
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
        assert "Add one child" == page.locator(":focus").get_attribute("aria-label")
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
