"""The look of the simulator in a real browser: small screens, the pointer on the chart, forced colours and print."""

import re

import pytest
from playwright.sync_api import expect

from tests.support.browser import PHONE, STATUS_400, Open
from tests.support.family import SIMULATOR, in_euros

LAPTOP = {"width": 1366, "height": 657}


@pytest.mark.parametrize("locale", ["en-GB", "fr-FR"])
def test_button_is_always_visible(opened: Open, locale: str) -> None:
    """On a small laptop, the form's button is inside the window: at the start, with errors, and after scrolling."""
    with opened(viewport=LAPTOP, locale=locale) as tab:
        tab.open(SIMULATOR)
        button = tab.page.locator("#household [type=submit]")

        def check() -> None:
            box = button.bounding_box()
            assert box
            assert 0 <= box["y"] < box["y"] + box["height"] <= LAPTOP["height"]
            covering = "({x, y, width, height}) => document.elementFromPoint(x + width / 2, y + height / 2).type"
            assert "submit" == tab.page.evaluate(covering, box)

        check()
        for field in ("salary", "spouse_salary", "children"):
            tab.page.locator(f"#{field}").fill("1 2")
        tab.page.keyboard.press("Enter")
        expect(tab.page.locator("#spouse_salary-error")).to_be_visible()
        check()
        tab.page.evaluate("scrollTo({top: 1500, behavior: 'instant'})")
        check()
        tab.forgive(STATUS_400)


@pytest.mark.parametrize("viewport", [PHONE, LAPTOP], ids=["phone", "laptop"])
@pytest.mark.parametrize("key", ["Tab", "Enter"])
def test_error_of_a_field_is_visible(opened: Open, viewport: dict[str, int], key: str) -> None:
    """The error of a wrong field is inside the window, and not behind the form's button."""
    with opened(viewport=viewport) as tab:
        tab.open(SIMULATOR)
        tab.page.locator("#spouse_salary").fill("1 2")
        tab.page.keyboard.press(key)
        expect(tab.page.locator("#spouse_salary-error")).to_be_visible()
        tab.page.wait_for_function("""() => {
            const { left, bottom } = document.getElementById("spouse_salary-error").getBoundingClientRect();
            return document.elementFromPoint(left + 1, bottom - 2)?.id === "spouse_salary-error";
        }""")
        tab.forgive(STATUS_400)


@pytest.mark.parametrize("viewport", [PHONE, LAPTOP], ids=["phone", "laptop"])
@pytest.mark.parametrize("locale", ["en-GB", "fr-FR"])
def test_chart_does_not_move_under_the_pointer(opened: Open, viewport: dict[str, int], locale: str) -> None:
    """While the pointer moves over the chart, the chart keeps its place."""
    with opened(viewport=viewport, locale=locale) as tab:
        tab.open("/simulator#year=2025&married=yes&children=2&salary=600000&spouse_salary=400000")
        chart = tab.page.locator("#curve .u-over")
        chart.scroll_into_view_if_needed()
        place = "chart => chart.getBoundingClientRect().top + scrollY"
        before, width = chart.evaluate(place), chart.evaluate("chart => chart.clientWidth")
        for share in (0.02, 0.3, 0.6, 0.98):
            chart.hover(position={"x": width * share, "y": 60})
            expect(tab.page.locator("#curve-legend .invisible")).to_have_count(1)
            assert before == chart.evaluate(place)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_forced_colours(opened: Open, scheme: str) -> None:
    """With forced colours, bars, keys, the button and the chosen language are distinguishable."""
    with opened(forced_colors="active", color_scheme=scheme) as tab:
        tab.open(SIMULATOR)

        def look(selector: str, name: str, pseudo: str | None = None) -> str:
            style = "(element, [name, pseudo]) => getComputedStyle(element, pseudo)[name]"
            return str(tab.page.locator(selector).first.evaluate(style, [name, pseudo]))

        page = look("body", "backgroundColor")
        bars = ["#brackets .level", "#years [aria-current=true] .bar", "#years button:not([aria-current]) .bar"]
        assert page not in [look(bar, "backgroundColor") for bar in bars]
        kinds = ("salary", "tax", "average", "additional")
        keys = [look(f".key.{kind}", "borderBottomStyle", "::before") for kind in kinds]
        assert ["solid", "solid", "dashed", "dotted"] == keys
        assert look(".key.salary", "borderRadius", "::before") != look(".key.tax", "borderRadius", "::before")
        assert "solid" == look(".primary", "borderTopStyle")
        assert look(".primary", "backgroundColor") != look(".primary", "color")
        chosen, other = (f"[data-language={code}]" for code in ("en", "fr"))
        assert look(chosen, "backgroundColor") != look(other, "backgroundColor")
        assert [] == tab.serious()


def test_print_from_dark_colours(opened: Open) -> None:
    """A printed page has light colours and its bars, also if the screen is dark and backgrounds are not printed."""
    with opened(color_scheme="dark") as tab:
        tab.open(SIMULATOR)
        style = "name => getComputedStyle(document.documentElement).getPropertyValue(name)"
        dark = tab.page.evaluate(style, "--ink")
        tab.page.emulate_media(media="print", color_scheme="dark")
        assert dark != tab.page.evaluate(style, "--ink")
        for bar in ("#brackets .level", "#years .bar"):
            adjusted = tab.page.locator(bar).first.evaluate("bar => getComputedStyle(bar).printColorAdjust")
            assert "exact" == adjusted
        expect(tab.page.locator(".actions")).to_be_hidden()
        assert tab.page.pdf().startswith(b"%PDF")


@pytest.mark.parametrize("back", [[], ["Shift+Tab"]], ids=["from the next field", "in the field"])
def test_undo_of_an_amount(opened: Open, back: list[str]) -> None:
    """Undo restores the earlier amount, and the page shows its result."""
    with opened() as tab:
        tab.open("/simulator#year=2025&married=no&children=0&salary=36000")
        first = tab.text("#collected")
        tab.page.locator("#salary").press("End")
        tab.page.keyboard.type("5")
        tab.page.keyboard.press("Tab")
        expect(tab.page.locator("#salary-read")).to_have_text(in_euros(360005))
        expect(tab.page.locator("#curve-legend")).to_contain_text(in_euros(360005))
        for key in [*back, "Control+z"]:
            tab.page.keyboard.press(key)
        expect(tab.page.locator("#salary")).to_have_value("36000")
        expect(tab.page.locator("#salary-read")).to_have_text(in_euros(36000))
        expect(tab.page.locator("#collected")).to_have_text(first)
        expect(tab.page).to_have_url(re.compile("salary=36000&"))


@pytest.mark.parametrize(
    ("household", "words"),
    [
        (
            "year=2025&married=no&salary=36000",
            "€270 27%, less than the TMI, because 10% of the salary is deducted first.",
        ),
        ("year=2025&married=no&salary=21000", "more than the TMI, because the décote decreases as the tax rises."),
        ("year=2025&married=no&salary=200000", "€450 45%, which equals the TMI."),
        ("year=2025&married=no&salary=15000", "€0 The household owes no tax on it."),
        ("year=2025&married=no&salary=300000", "because the CEHR is added."),
        ("year=2019&married=no&salary=20000", "more than the TMI, because the"),
    ],
)
def test_tax_on_the_next_euros(opened: Open, household: str, words: str) -> None:
    """The page calls the bracket's rate TMI, and explains why the tax on the next 1,000 euros differs from it."""
    with opened() as tab:
        tab.open("/simulator#" + household)
        assert "Marginal tax rate (TMI)" in tab.text("#tiles")
        assert re.search(r"on your next €1,000 .*" + re.escape(words), tab.text("#tiles"))
