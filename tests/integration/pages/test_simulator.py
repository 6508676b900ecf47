"""The results of the simulator in a real browser."""

import re
from itertools import pairwise
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.support.browser import Open, Tab
from tests.support.family import SIMULATOR, in_euros

# Records the x coordinate of each circle that the page draws on a canvas.
DOTS = """window.dots = [];
const prototype = CanvasRenderingContext2D.prototype, { arc } = prototype;
prototype.arc = function (x, ...others) { dots.push(x); return arc.call(this, x, ...others); };"""


def fill(tab: Tab) -> None:
    page = tab.page
    page.get_by_label("Income year", exact=True).select_option("2024")
    page.get_by_label("Married or PACS").check()
    page.get_by_role("button", name="Add one child").click(click_count=2, delay=50)
    page.get_by_label("Yearly salary", exact=True).fill("50 000")
    page.get_by_label("Spouse's yearly salary").fill("20,000")


def test_fill_submit_and_read(opened: Open, family: dict[str, Any]) -> None:
    """After the form is submitted, the page shows the API's amount to pay, rates and steps."""
    with opened() as tab:
        tab.open("/simulator")
        fill(tab)
        tab.page.get_by_role("button", name="Calculate").click()
        expect(tab.page.locator("#collected")).to_have_text(in_euros(family["collected"]))
        monthly = f"€{family['collected'] / 12:,.2f} a month on average, which is one twelfth of the amount above."
        assert tab.text("#monthly").startswith(monthly)
        tiles = tab.text("#tiles")
        assert f"Income tax {in_euros(family['tax'])}" in tiles
        assert f"Average rate {family['tax'] / 70000:.1%}" in tiles
        assert f"Marginal tax rate (TMI) {family['rate']:.0%} rate of the bracket reached" in tiles
        assert f"Taxable income {in_euros(family['taxable_income'])}" in tiles
        steps = tab.page.locator("#steps > li")
        assert ["Tax", "Amount collected"] == [steps.nth(n).locator("h3").inner_text() for n in (-4, -1)]
        assert "CGI art. 1657" in steps.last.inner_text()
        law = steps.first.locator("a").first.get_attribute("href")
        assert str(law).startswith("https://www.legifrance.gouv.fr/")


def test_charts(opened: Open, family: dict[str, Any]) -> None:
    """The three charts show the household's point on the curve, its amount for each year, and its tax brackets."""
    with opened() as tab:
        tab.open(SIMULATOR)
        assert tab.page.locator("#curve canvas").count() == 1
        assert f"For a salary of €50,000, the amount is {in_euros(family['tax'])}," in tab.text("#curve-summary")
        years = tab.page.locator("#years button")
        assert [str(year) for year in range(2018, 2026)] == [text.split()[0] for text in years.all_inner_texts()]
        assert in_euros(family["collected"]) in tab.text("#years [aria-current]")
        brackets = tab.page.locator("#brackets li")
        assert ["0%", "11%", "30%", "41%", "45%"] == [b.split()[0] for b in brackets.all_inner_texts()]
        assert [False, False, True, True, True] == [
            "empty" in (brackets.nth(n).get_attribute("class") or "") for n in range(5)
        ]
        tab.page.locator("#curve .u-over").click(position={"x": 5, "y": 50})
        expect(tab.page.locator("#collected")).to_have_text("€0")


def test_own_salary_is_marked_on_the_curve(opened: Open) -> None:
    """The dot on the curve marks the household's salary on an axis from 0 to 80,000 euros."""
    with opened() as tab:
        tab.page.add_init_script(DOTS)
        for salary in (40000, 50000):
            tab.open("about:blank")
            tab.open(f"/simulator#year=2024&married=yes&children=2&salary={salary}")
            expect(tab.page.locator("#curve canvas")).to_have_count(1)
            plot = tab.page.locator("#curve .u-over")
            left, width = plot.evaluate("plot => [plot.offsetLeft, plot.clientWidth]")
            assert tab.page.evaluate("dots.at(-1)") == pytest.approx(left + width * salary / 80000, abs=1)


def test_single_parent_and_high_income(opened: Open) -> None:
    """The page explains a single parent's cap, and shows the surtax on high incomes without a note."""
    with opened() as tab:
        tab.open("/simulator#year=2025&married=no&single_parent=yes&children=1&salary=600000")
        assert tab.page.get_by_label("Single parent").is_checked()
        assert "The cap on the family quotient applies" in tab.text("#brackets-about")
        tiles = tab.text("#tiles")
        assert "Surtax on high incomes" in tiles
        assert "" == tab.text("#notes")


def test_limits_are_listed(opened: Open) -> None:
    """The page lists the simulator's limits, whether or not the page shows a result."""
    left_out = ["Widowhood", "Pensions", "Tax credits", "overseas departments", "CIMR"]
    for path in (SIMULATOR, "/simulator#year=2024&salary=x"):
        with opened() as tab:
            tab.open(path)
            limits = tab.page.locator(".limits li")
            assert len(left_out) == limits.count()
            for number, words in enumerate(left_out):
                expect(limits.nth(number)).to_be_visible()
                expect(limits.nth(number)).to_contain_text(words)
            tab.errors.clear()


def test_years_never_overlap(opened: Open) -> None:
    """The year, bar and amount of a row do not overlap, even with the largest salaries on a narrow screen."""
    boxes = """rows => rows.map(row => [row, ...row.children].map(part => part.getBoundingClientRect())
        .map(({left, right, top, bottom}) => [left, right, top, bottom]))"""
    with opened() as tab:
        tab.open("/simulator#year=2025&married=yes&salary=999999999&spouse_salary=999999999")
        for width in (360, 500, 640, 1280):
            tab.page.set_viewport_size({"width": width, "height": 900})
            rows = tab.page.locator("#years button").evaluate_all(boxes)
            assert 8 == len(rows)
            for row, year, track, amount in rows:
                assert row[0] <= year[0] < year[1] <= track[0] < track[1] <= amount[0] < amount[1] <= row[1], width
            assert all(above[0][3] <= below[0][2] for above, below in pairwise(rows)), width


def test_curve_is_localized(opened: Open) -> None:
    """The axis labels of the French curve have a decimal comma."""
    said = """Object.defineProperty(window, 'drawn', {value: new Set()});
        const write = CanvasRenderingContext2D.prototype.fillText;
        CanvasRenderingContext2D.prototype.fillText = function(text, ...rest) {
            window.drawn.add(text); return write.call(this, text, ...rest); };"""
    with opened(locale="fr-FR") as tab:
        tab.page.add_init_script(said)
        tab.open("/simulator#year=2024&married=no&salary=1500000")
        written = [text.replace("\u00a0", " ") for text in tab.page.evaluate("[...window.drawn]")]
        assert [text for text in written if re.fullmatch(r"\d,\d M€", text)]
        assert [] == [text for text in written if "." in text]
