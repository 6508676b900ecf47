"""The simulator's form in a real browser: typing, choices and clicks."""

import re
from collections.abc import Iterable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.support.browser import STATUS_400, Open, bodies_of


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("salary", "12x", "This value is not valid. Enter a whole number from 0 to 999,999,999."),
        ("salary", "", "This field is empty. Enter a whole number from 0 to 999,999,999."),
        ("children", "-1", "This value is not valid. Enter a whole number from 0 to 99."),
    ],
)
def test_invalid_value(opened: Open, name: str, value: str, sentence: str) -> None:
    """An invalid value causes an error at its field. The last results stay visible and are marked as old."""
    with opened() as tab:
        tab.open("/simulator")
        first, valid = tab.text("#collected"), tab.page.locator(f"#{name}").input_value()
        tab.page.locator(f"#{name}").fill(value)
        tab.page.get_by_role("button", name="Calculate").click()
        expect(tab.page.locator(f"#{name}-error")).to_have_text(re.compile(re.escape(sentence).replace(r"\ ", r"\s")))
        assert "true" == tab.page.locator(f"#{name}").get_attribute("aria-invalid")
        expect(tab.page.locator(f"#{name}")).to_be_focused()
        expect(tab.page.locator("#old")).to_have_text(
            "The results below belong to the earlier entries, not to the current ones."
        )
        assert first == tab.text("#collected")
        tab.forgive(STATUS_400)
        assert [] == tab.serious()
        tab.page.locator(f"#{name}").fill(valid)
        tab.page.keyboard.press("Enter")
        expect(tab.page.locator("#old")).to_be_hidden()


@pytest.mark.parametrize(
    ("locale", "amount"),
    [("en-GB", "50 000 €"), ("en-GB", "50,000"), ("fr-FR", "50\u00a0000\u202f€"), ("fr-FR", "50000")],
)
def test_grouped_amounts(opened: Open, locale: str, amount: str) -> None:
    """The form accepts amounts with digit grouping and a trailing euro sign."""
    with opened(locale=locale) as tab:
        tab.open("/simulator#year=2024&married=no&salary=1")
        tab.page.locator("#salary").fill(amount)
        tab.page.keyboard.press("Enter")
        expect(tab.page).to_have_url(re.compile("&salary=50000&"))
        assert tab.page.locator("#salary-error").is_hidden()


def select_households(bodies: Iterable[Any]) -> list[Any]:
    """Return the bodies that contain a single household."""
    return [body for body in bodies if isinstance(body, dict)]


def test_enter_is_one_calculation(opened: Open) -> None:
    """Pressing Enter in a changed field sends one request for the household and one request for its charts."""
    with opened() as tab:
        tab.open("/simulator")
        bodies = bodies_of(tab)
        tab.page.locator("#salary").fill("51234")
        tab.page.keyboard.press("Enter")
        expect(tab.page.locator("#curve-legend")).to_contain_text("€51,234")
        assert 2 == len(bodies)
        assert [51234] == [household["salary"] for household in select_households(bodies)]


def test_single_parent_sets_a_child(opened: Open) -> None:
    """“Single parent” sets the number of children to 1. Another choice resets it to 0 unless the user changed it."""
    with opened() as tab:
        tab.open("/simulator")
        children = tab.page.locator("#children")
        tab.page.get_by_label("Single parent").check()
        expect(children).to_have_value("1")
        expect(tab.page).to_have_url(re.compile("single_parent=yes"))
        assert tab.page.locator("#results").is_visible()
        assert "lives alone with the children (box T of the tax return)" in tab.text(".choices")
        tab.page.get_by_label("Single", exact=True).check()
        expect(children).to_have_value("0")
        tab.page.get_by_label("Single parent").check()
        tab.page.get_by_role("button", name="Add one child").click()
        tab.page.get_by_label("Single", exact=True).check()
        expect(children).to_have_value("2")


def test_children_stay_within_bounds(opened: Open) -> None:
    """The buttons stop at zero and at the maximum number of children."""
    with opened() as tab:
        tab.open("/simulator#year=2024&married=no&children=98&salary=30000")
        more, less = (tab.page.get_by_role("button", name=f"{verb} one child") for verb in ("Add", "Remove"))
        more.click(click_count=3)
        expect(tab.page.locator("#children")).to_have_value("99")
        tab.page.locator("#children").fill("1")
        less.click(click_count=3)
        expect(tab.page.locator("#children")).to_have_value("0")
        expect(tab.page).to_have_url(re.compile("children=0"))


def test_error_is_announced(opened: Open) -> None:
    """When the user leaves an invalid field, the page announces the error instead of the previous amount."""
    with opened() as tab:
        tab.open("/simulator")
        expect(tab.page.locator("#announcement")).to_contain_text("to pay")
        tab.page.locator("#salary").fill("abc")
        tab.page.keyboard.press("Tab")
        announced = re.compile(r"^This value is not valid\. Enter a whole number from 0 to 999,999,999\.$")
        expect(tab.page.locator("#announcement")).to_have_text(announced)
        tab.forgive(STATUS_400)


def test_hidden_salary_is_ignored(opened: Open) -> None:
    """After the choice “Single”, the page ignores a spouse's salary that the user entered earlier."""
    with opened() as tab:
        tab.open("/simulator#year=2024&married=yes&children=0&salary=30000&spouse_salary=20000")
        with tab.page.expect_request(lambda request: request.method == "POST") as sent:
            tab.page.get_by_label("Single", exact=True).check()
        household: dict[str, Any] = sent.value.post_data_json or {}
        assert ("no", 30000, 0) == (household["married"], household["salary"], household["spouse_salary"])
        expect(tab.page).to_have_url(re.compile("married=no"))
        expect(tab.page.locator("#results[aria-busy=false]")).to_be_visible()
