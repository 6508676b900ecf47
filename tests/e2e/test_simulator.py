"""What the simulator shows of a household, in a real browser, against the stack."""

import re
from itertools import pairwise
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.support.browser import Open, Tab, needs_chromium
from tests.support.family import QUERY, SIMULATOR, in_euros, in_percent
from tests.support.stack import Stack

pytestmark = needs_chromium

# Keeps how far from the left each circle was drawn on a canvas.
DOTS = """window.dots = [];
const prototype = CanvasRenderingContext2D.prototype, { arc } = prototype;
prototype.arc = function (x, ...others) { dots.push(x); return arc.call(this, x, ...others); };"""


def fill(tab: Tab) -> None:
    page = tab.page
    page.get_by_label("Income year", exact=True).select_option("2024")
    page.get_by_label("Married or PACS").check()
    page.get_by_role("button", name="One child more").click(click_count=2, delay=50)
    page.get_by_label("Yearly salary", exact=True).fill("50 000")
    page.get_by_label("Spouse's yearly salary").fill("20,000")


def test_fill_submit_and_read(opened: Open, family: dict[str, Any]) -> None:
    """Who fills the form and submits it reads what the API answers: what is to pay, the rates, every step."""
    with opened() as tab:
        tab.open("/simulator")
        fill(tab)
        tab.page.get_by_role("button", name="Calculate").click()
        expect(tab.page.locator("#collected")).to_have_text(in_euros(family["collected"]))
        monthly = f"€{family['collected'] / 12:,.2f} a month on average: a twelfth of it, not the withholding rate."
        assert monthly == tab.text("#monthly")
        tiles = tab.text("#tiles")
        assert f"Income tax {in_euros(family['tax'])}" in tiles
        assert f"Average rate {family['tax'] / 70000:.1%}" in tiles
        assert f"Bracket reached {family['rate']:.0%}" in tiles
        assert f"Taxable income {in_euros(family['taxable_income'])}" in tiles
        steps = tab.page.locator("#steps > li")
        assert ["Tax", "Amount collected"] == [steps.nth(n).locator("h3").inner_text() for n in (-4, -1)]
        assert "CGI art. 1657" in steps.last.inner_text()
        law = steps.first.locator("a").first.get_attribute("href")
        assert str(law).startswith("https://www.legifrance.gouv.fr/")


def test_pictures(opened: Open, family: dict[str, Any]) -> None:
    """The three pictures show the household: its place on the curve, the years, how full each bracket is."""
    with opened() as tab:
        tab.open(SIMULATOR)
        assert tab.page.locator("#curve canvas").count() == 1
        assert f"At €50,000, it is {in_euros(family['tax'])};" in tab.text("#curve-summary")
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


def test_ones_own_place_is_marked_on_the_curve(opened: Open) -> None:
    """The dot on the curve stands where the household's salary is on an axis from 0 to 80,000 euros."""
    with opened() as tab:
        tab.page.add_init_script(DOTS)
        for salary in (40000, 50000):
            tab.open("about:blank")
            tab.open(f"/simulator#year=2024&married=yes&children=2&salary={salary}")
            expect(tab.page.locator("#curve canvas")).to_have_count(1)
            plot = tab.page.locator("#curve .u-over")
            left, width = plot.evaluate("plot => [plot.offsetLeft, plot.clientWidth]")
            assert tab.page.evaluate("dots.at(-1)") == pytest.approx(left + width * salary / 80000, abs=1)


def test_what_the_page_works_out_is_right(opened: Open, stack: Stack) -> None:
    """The marginal rate is that of the curve, and the brackets add up to the step of the law that they picture."""
    question = "married=yes&children=2&spouse_salary=20000&year=2024"
    for salary, step in ((50000, "tax_all_shares"), (180000, "tax_adult_shares")):
        curve = stack.get(f"/curve?{question}&from={salary}&to={salary}&step=1000", stack.credentials).body["response"]
        (point,) = curve["curve"]["points"]
        answer = stack.get(f"/?{question}&salary={salary}&explain=yes", stack.credentials).body["response"]["result"]
        (total,) = [one["result"] for one in answer["steps"] if one["name"] == step]
        with opened() as tab:
            tab.open(f"/simulator#{question}&salary={salary}")
            assert f"Marginal rate {in_percent(point['marginal_rate'])}" in tab.text("#tiles")
            assert f"Together {in_euros(total)}." in tab.text("#brackets")


def test_brackets_are_rounded_as_their_step(opened: Open, stack: Stack) -> None:
    """Brackets that add up to half a euro come to what the step of the law comes to, which rounds it up."""
    question = "year=2025&married=no&children=0&salary=93976"
    steps = stack.get(f"/?{question}&explain=yes", stack.credentials).body["response"]["result"]["steps"]
    (total,) = [step["result"] for step in steps if step["name"] == "tax_all_shares"]
    with opened() as tab:
        tab.open("/simulator#" + question)
        assert f"Together {in_euros(total)}." in tab.text("#brackets")


def test_years_are_those_of_the_api(opened: Open, stack: Stack) -> None:
    """Each year has the amount that the API answers for the household in that year."""
    asked = {str(year): f"/?{QUERY}".replace("year=2024", f"year={year}") for year in range(2018, 2026)}
    results = {year: stack.get(target, stack.credentials).body["response"]["result"] for year, target in asked.items()}
    with opened() as tab:
        tab.open(SIMULATOR)
        shown = [text.split() for text in tab.page.locator("#years button").all_inner_texts()]
        assert [[year, in_euros(result["collected"])] for year, result in results.items()] == shown


def test_curve_is_that_of_the_api(opened: Open, stack: Stack) -> None:
    """The curve's table, every tenth of its points, has tax and rates as /curve has them; the last has no next step."""
    question = QUERY.replace("salary=50000", "from=0&to=80000&step=800", 1)
    points = stack.get(f"/curve?{question}", stack.credentials).body["response"]["curve"]["points"][::10]
    with opened() as tab:
        tab.open(SIMULATOR)
        tab.page.locator("summary").click()
        shown = [row.split() for row in tab.page.locator("#curve-table tbody tr").all_inner_texts()]
        known = [[in_euros(p["salary"]), in_euros(p["tax"]), in_percent(p["average_rate"])] for p in points]
        assert known == [row[:3] for row in shown]
        assert [in_percent(point["marginal_rate"]) for point in points[:-1]] == [row[3] for row in shown[:-1]]


def test_only_texts_that_decided_are_linked(opened: Open, stack: Stack) -> None:
    """A step links the texts of the figures that decided: a couple's cap none of those about single parents."""
    figures = stack.get("/schedules/2024", stack.credentials).body["response"]["parameters"]
    result = stack.get(f"/?{QUERY}&explain=yes", stack.credentials).body["response"]["result"]
    sources = [[one for name in step["parameters"] for one in figures[name]["references"]] for step in result["steps"]]
    links = """steps => steps.map(step => [...step.querySelectorAll("a")])
        .map(links => Object.fromEntries(links.map(link => [link.getAttribute("href"), link.textContent])))"""
    with opened() as tab:
        tab.open(SIMULATOR)
        linked = tab.page.locator("#steps > li").evaluate_all(links)
        assert [{one["url"]: one["title"] for one in texts if one["url"]} for texts in sources] == linked
        cap = next(link for step, link in zip(result["steps"], linked, strict=True) if step["name"] == "cap")
        assert {one["url"]: one["title"] for one in figures["cap_half_share"]["references"]} == cap


@pytest.mark.parametrize(
    ("salary", "year", "noted"),
    [(50_000, 2024, ""), (400_000, 2024, "2025"), (400_000, 2025, "")],
)
def test_other_years_have_notes(opened: Open, salary: int, year: int, noted: str) -> None:
    """Years other than the chosen one are named under their picture where the CDHR may apply; its notes are shown."""
    with opened() as tab:
        tab.open(f"/simulator#year={year}&married=no&salary={salary}")
        said = f"There are notes to the amounts of {noted}: choose the year to read them." if noted else ""
        assert said == tab.text("#years-notes")


def test_single_parent_and_high_income(opened: Open) -> None:
    """A single parent's cap is explained, and what high incomes owe beside the tax is shown with its note."""
    with opened() as tab:
        tab.open("/simulator#year=2025&married=no&single_parent=yes&children=1&salary=600000")
        assert tab.page.get_by_label("Single parent").is_checked()
        assert "The cap of the family quotient applies" in tab.text("#brackets-about")
        tiles = tab.text("#tiles")
        assert "High incomes contribution" in tiles
        assert "CDHR" in tab.text("#notes")


def test_rates_are_those_of_what_is_due(opened: Open, stack: Stack) -> None:
    """Where high incomes owe a surtax beside the tax, the rates and the curve are those of both, and say so."""
    question = "year=2024&married=no&children=0"
    results = [
        stack.get(f"/?{question}&salary={salary}", stack.credentials).body["response"]["result"]
        for salary in (600000, 601000)
    ]
    due, more = (result["tax"] + result["cehr"] for result in results)
    with opened() as tab:
        tab.open(f"/simulator#{question}&salary=600000")
        tiles = tab.text("#tiles")
        assert f"Average rate {due / 600000:.1%} tax and CEHR out of the salaries" in tiles
        assert f"Marginal rate {(more - due) / 1000:.0%} tax and CEHR on the next €1,000 of salary" in tiles
        assert f"Income tax and CEHR {in_euros(due)}" in tab.text("#curve-legend")


def test_amount_that_is_not_collected(opened: Open, stack: Stack) -> None:
    """An amount under the collection threshold is not asked for, and the page says that it is not."""
    question = "year=2024&married=no&children=0&salary=19300"
    result = stack.get(f"/?{question}", stack.credentials).body["response"]["result"]
    assert result["tax"] > 0 == result["collected"]
    with opened() as tab:
        tab.open("/simulator#" + question)
        assert "€0" == tab.text("#collected")
        assert "under the collection threshold (CGI art. 1657, 1 bis)" in tab.text("#uncollected")
        tab.open(SIMULATOR)
        expect(tab.page.locator("#uncollected")).to_be_hidden()


def test_what_is_not_covered_is_said(opened: Open) -> None:
    """The page lists what it leaves out, whether there is a result or not."""
    left_out = ["Widowhood", "Pensions", "Tax credits", "overseas departments", "CDHR", "CIMR"]
    for path in (SIMULATOR, "/simulator#year=2024&salary=x"):
        with opened() as tab:
            tab.open(path)
            limits = tab.page.locator(".limits li")
            assert len(left_out) == limits.count()
            for number, words in enumerate(left_out):
                expect(limits.nth(number)).to_be_visible()
                expect(limits.nth(number)).to_contain_text(words)
            tab.errors.clear()


@pytest.mark.parametrize("width", [360, 500, 640, 1280])
def test_years_never_overlap(opened: Open, width: int) -> None:
    """Year, bar and amount of each row stand side by side within it, for the largest salaries on any screen."""
    boxes = """rows => rows.map(row => [row, ...row.children].map(part => part.getBoundingClientRect())
        .map(({left, right, top, bottom}) => [left, right, top, bottom]))"""
    with opened(viewport={"width": width, "height": 900}) as tab:
        tab.open("/simulator#year=2025&married=yes&salary=999999999&spouse_salary=999999999")
        rows = tab.page.locator("#years button").evaluate_all(boxes)
        assert 8 == len(rows)
        for row, year, track, amount in rows:
            assert row[0] <= year[0] < year[1] <= track[0] < track[1] <= amount[0] < amount[1] <= row[1]
        assert all(above[0][3] <= below[0][2] for above, below in pairwise(rows))


def test_curve_speaks_french(opened: Open) -> None:
    """Millions on the axes of the curve are written with the comma of French."""
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
