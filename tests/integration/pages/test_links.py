"""Links to a household in a real browser. The page never corrects a link silently."""

import re

import pytest
from playwright.sync_api import expect

from tests.support.browser import STATUS_400, Open


@pytest.mark.parametrize(
    ("fragment", "at", "words"),
    [
        ("year=2030&salary=50000", "year", "This income year is not available. Choose one of 2018, 2019"),
        ("year=2024&year=2023&salary=50000", "year", "This income year is not available"),
        ("married=no&salary=40000&spouse_salary=30000", "situation", "Only a couple has a second salary"),
        ("married=no&salary=40000&spouse_salary=abc", "spouse_salary", "This value is not valid"),
        ("married=yes&single_parent=yes&children=1&salary=40000", "situation", "A single parent is not married"),
        ("married=maybe&salary=40000", "situation", "none of these situations"),
        ("single_parent=perhaps&salary=40000", "situation", "none of these situations"),
        ("year=2024&single_parent=yes&children=0&salary=30000", "situation", "A single parent has at least one child"),
        ("married=no&salary=1&salaire=50000", "salary", "This value is not valid"),
        ("married=no&salary=000000000000000000000050000", "salary", "This value is not valid"),
        ("married=yes&children=2", "salary", "This field is empty"),
    ],
)
def test_invalid_link(opened: Open, fragment: str, at: str, words: str) -> None:
    """If a link contains an invalid value, the page shows an error at the field and no result. The URL stays."""
    with opened() as tab:
        tab.open("/simulator#" + fragment)
        expect(tab.page.locator(f"#{at}-error")).to_contain_text(words)
        assert not tab.page.locator("#results").is_visible()
        last = fragment.rpartition("=")[2]
        assert last in tab.page.evaluate("decodeURIComponent(location.hash)")
        tab.forgive(STATUS_400)


def test_unknown_name_in_a_link(opened: Open) -> None:
    """An unknown name in a link causes an error. When the user submits the form, the page removes the name."""
    with opened() as tab:
        tab.open("/simulator#year=2024&salary=50000&childs=2")
        expect(tab.page.locator("#trouble")).to_have_text("unknown parameter [childs]")
        tab.page.get_by_role("button", name="Calculate").click()
        expect(tab.page.locator("#results-heading")).to_be_visible()
        assert "childs" not in tab.page.url
        tab.forgive(STATUS_400)


def test_invalid_link_corrected(opened: Open) -> None:
    """If the year and the situation of a link are invalid, the user can choose both and then gets the result."""
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


def test_second_salary_cleared(opened: Open) -> None:
    """If a link gives a single person a second salary, the page shows no result until the user clears this salary."""
    with opened() as tab:
        tab.open("/simulator#year=2024&married=no&salary=40000&spouse_salary=30000")
        tab.page.get_by_label("Spouse's yearly salary").fill("")
        tab.page.get_by_role("button", name="Calculate").click()
        expect(tab.page.locator("#results-heading")).to_be_visible()
        assert tab.page.get_by_label("Single", exact=True).is_checked()
        tab.forgive(STATUS_400)


def test_french_link(opened: Open) -> None:
    """A link can contain French names and values."""
    with opened() as tab:
        tab.open("/simulator#année=2024&marié=OUI&enfants=2&salaire=50000&salaire_conjoint=20000")
        expect(tab.page.locator("#results-heading")).to_have_text("To pay on the income of 2024")
        assert "married=yes&single_parent=no&year=2024&children=2&salary=50000&spouse_salary=20000" in tab.page.url


def test_next_link_replaces_the_household(opened: Open) -> None:
    """A second link in the same tab replaces the whole household. The skip link keeps the household."""
    with opened() as tab:
        tab.open("/simulator#year=2024&married=yes&children=2&salary=50000&spouse_salary=20000")
        tab.page.evaluate("location.hash = 'year=2023&salary=30000'")
        expect(tab.page.locator("#results-heading")).to_have_text("To pay on the income of 2023")
        assert "married=no&single_parent=no&year=2023&children=0&salary=30000&spouse_salary=0" in tab.page.url
        tab.page.evaluate("location.hash = 'main'")
        expect(tab.page).to_have_url(re.compile("year=2023"))
