"""Links to a household, and what the form does with what it is given: nothing is corrected in silence."""

import re
from collections.abc import Iterable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.support.browser import STATUS_400, Open, bodies_of, needs_chromium

pytestmark = needs_chromium


@pytest.mark.parametrize(
    ("fragment", "at", "words"),
    [
        ("year=2030&salary=50000", "year", "There is no such income year: choose one of 2018, 2019"),
        ("year=2024&year=2023&salary=50000", "year", "There is no such income year"),
        ("married=no&salary=40000&spouse_salary=30000", "situation", "Only a couple has a second salary"),
        ("married=no&salary=40000&spouse_salary=abc", "spouse_salary", "Expected: a whole number"),
        ("married=yes&single_parent=yes&children=1&salary=40000", "situation", "A single parent is not married"),
        ("married=maybe&salary=40000", "situation", "none of these situations"),
        ("single_parent=perhaps&salary=40000", "situation", "none of these situations"),
        ("year=2024&single_parent=yes&children=0&salary=30000", "situation", "A single parent has at least one child"),
        ("married=no&salary=1&salaire=50000", "salary", "Expected: a whole number"),
        ("married=no&salary=000000000000000000000050000", "salary", "Expected: a whole number"),
        ("married=yes&children=2", "salary", "Please fill this in"),
    ],
)
def test_wrong_link(opened: Open, fragment: str, at: str, words: str) -> None:
    """What a link says wrong is said at its field; no other household's tax is shown, and the address is kept."""
    with opened() as tab:
        tab.open("/simulator#" + fragment)
        expect(tab.page.locator(f"#{at}-error")).to_contain_text(words)
        assert not tab.page.locator("#results").is_visible()
        last = fragment.rpartition("=")[2]
        assert last in tab.page.evaluate("decodeURIComponent(location.hash)")
        tab.forgive(STATUS_400)


def test_unknown_name_in_a_link(opened: Open) -> None:
    """A name that the service does not know is said, until the form is sent without it."""
    with opened() as tab:
        tab.open("/simulator#year=2024&salary=50000&childs=2")
        expect(tab.page.locator("#trouble")).to_have_text("unknown parameter [childs]")
        tab.page.get_by_role("button", name="Calculate").click()
        expect(tab.page.locator("#results-heading")).to_be_visible()
        assert "childs" not in tab.page.url
        tab.forgive(STATUS_400)


def test_wrong_link_mended(opened: Open) -> None:
    """A year or a situation that the link had wrong is chosen in the form, and the result is that of the choice."""
    with opened() as tab:
        tab.open("/simulator#year=2030&married=maybe&children=0&salary=50000")
        assert (-1, 0) == (
            tab.page.evaluate("document.getElementById('year').selectedIndex"),
            tab.page.locator("[name=situation]:checked").count(),
        )
        tab.page.get_by_label("Income year", exact=True).select_option("2024")
        expect(tab.page.locator("#year-error")).to_be_hidden()
        expect(tab.page.locator("#situation-error")).to_be_visible()
        tab.page.get_by_label("Single", exact=True).check()
        expect(tab.page.locator("#results-heading")).to_have_text("To pay on the income of 2024")
        assert "married=no&single_parent=no&year=2024&children=0&salary=50000" in tab.page.url
        tab.forgive(STATUS_400)


def test_second_salary_emptied(opened: Open) -> None:
    """A second salary that a single person has by the link is shown; without it the household is that person's."""
    with opened() as tab:
        tab.open("/simulator#year=2024&married=no&salary=40000&spouse_salary=30000")
        tab.page.get_by_label("Spouse's yearly salary").fill("")
        tab.page.get_by_role("button", name="Calculate").click()
        expect(tab.page.locator("#results-heading")).to_be_visible()
        assert tab.page.get_by_label("Single", exact=True).is_checked()
        tab.forgive(STATUS_400)


def test_french_link(opened: Open) -> None:
    """A link may have the French names and words of the service; a year of its own, or the latest there is."""
    with opened() as tab:
        tab.open("/simulator#année=2024&marié=OUI&enfants=2&salaire=50000&salaire_conjoint=20000")
        expect(tab.page.locator("#results-heading")).to_have_text("To pay on the income of 2024")
        assert "married=yes&single_parent=no&year=2024&children=2&salary=50000&spouse_salary=20000" in tab.page.url


def test_next_link_is_another_household(opened: Open) -> None:
    """A second link in the same tab takes nothing over from the household before; the skip link is none."""
    with opened() as tab:
        tab.open("/simulator#year=2024&married=yes&children=2&salary=50000&spouse_salary=20000")
        tab.page.evaluate("location.hash = 'year=2023&salary=30000'")
        expect(tab.page.locator("#results-heading")).to_have_text("To pay on the income of 2023")
        assert "married=no&single_parent=no&year=2023&children=0&salary=30000&spouse_salary=0" in tab.page.url
        tab.page.evaluate("location.hash = 'main'")
        expect(tab.page).to_have_url(re.compile("year=2023"))


@pytest.mark.parametrize(
    ("locale", "amount"),
    [("en-GB", "50 000 €"), ("en-GB", "50,000"), ("fr-FR", "50\u00a0000\u202f€"), ("fr-FR", "50000")],
)
def test_amounts_as_people_type_them(opened: Open, locale: str, amount: str) -> None:
    """Spaces of any kind and a euro sign at the end are no part of an amount."""
    with opened(locale=locale) as tab:
        tab.open("/simulator#year=2024&married=no&salary=1")
        tab.page.locator("#salary").fill(amount)
        tab.page.keyboard.press("Enter")
        expect(tab.page).to_have_url(re.compile("&salary=50000&"))
        assert tab.page.locator("#salary-error").is_hidden()


def households(bodies: Iterable[Any]) -> list[Any]:
    """Those of the bodies that are one household."""
    return [body for body in bodies if isinstance(body, dict)]


def test_enter_is_one_calculation(opened: Open) -> None:
    """Enter in a changed field asks for that household once, and once for its pictures."""
    with opened() as tab:
        tab.open("/simulator")
        bodies = bodies_of(tab)
        tab.page.locator("#salary").fill("51234")
        tab.page.keyboard.press("Enter")
        expect(tab.page.locator("#curve-legend")).to_contain_text("€51,234")
        assert 2 == len(bodies)
        assert [51234] == [household["salary"] for household in households(bodies)]


def test_single_parent_has_a_child(opened: Open) -> None:
    """Who becomes a single parent has a child, and has none again with another situation, unless it was counted."""
    with opened() as tab:
        tab.open("/simulator")
        children = tab.page.locator("#children")
        tab.page.get_by_label("Single parent").check()
        expect(children).to_have_value("1")
        expect(tab.page).to_have_url(re.compile("single_parent=yes"))
        assert tab.page.locator("#results").is_visible()
        assert "lives alone with the children (case T)" in tab.text(".choices")
        tab.page.get_by_label("Single", exact=True).check()
        expect(children).to_have_value("0")
        tab.page.get_by_label("Single parent").check()
        tab.page.get_by_role("button", name="One child more").click()
        tab.page.get_by_label("Single", exact=True).check()
        expect(children).to_have_value("2")


def test_children_stay_within_bounds(opened: Open) -> None:
    """The buttons stop at no child and at the most that the service takes."""
    with opened() as tab:
        tab.open("/simulator#year=2024&married=no&children=98&salary=30000")
        more, less = (tab.page.get_by_role("button", name=f"One child {word}") for word in ("more", "less"))
        more.click(click_count=3)
        expect(tab.page.locator("#children")).to_have_value("99")
        tab.page.locator("#children").fill("1")
        less.click(click_count=3)
        expect(tab.page.locator("#children")).to_have_value("0")
        expect(tab.page).to_have_url(re.compile("children=0"))


def test_error_is_announced(opened: Open) -> None:
    """What is wrong with a field that was left is announced in the place of the amount before."""
    with opened() as tab:
        tab.open("/simulator")
        expect(tab.page.locator("#announcement")).to_contain_text("to pay")
        tab.page.locator("#salary").fill("abc")
        tab.page.keyboard.press("Tab")
        announced = re.compile(r"^Expected: a whole number from 0 to 999\s999\s999\.$")
        expect(tab.page.locator("#announcement")).to_have_text(announced)
        tab.forgive(STATUS_400)


def test_storage_forbidden(opened: Open) -> None:
    """Where the browser forbids the page to keep anything, it calculates, and speaks the language that is chosen."""
    with opened() as tab:
        forbid = (
            "Object.defineProperty(window, 'localStorage', {get() { throw new DOMException('', 'SecurityError') }})"
        )
        tab.page.add_init_script(forbid)
        tab.open("/simulator")
        expect(tab.page.locator("#results-heading")).to_be_visible()
        tab.page.get_by_role("button", name="Français").click()
        assert "Le foyer" == tab.text("#form-heading")


@pytest.mark.parametrize("file", ["texts.json", "results.js", "vendor/uplot/uPlot.esm.js"])
@pytest.mark.parametrize(("locale", "words"), [("en-GB", "are not loaded"), ("fr-FR", "ne sont pas chargés")])
def test_files_not_loaded(opened: Open, file: str, locale: str, words: str) -> None:
    """When a script or the texts cannot be loaded, the page says so in its language."""
    with opened(locale=locale) as tab:
        tab.page.route(f"**/static/*/{file}", lambda route: route.abort())
        tab.page.goto("/simulator")
        expect(tab.page.locator("#unloaded")).to_be_visible()
        expect(tab.page.locator("#unloaded")).to_contain_text(words)
        tab.errors.clear()
