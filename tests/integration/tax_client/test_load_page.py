"""Tests of the HTML report of a flood in a real browser: charts, colour schemes, labels and accessibility."""

import itertools
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.integration.tax_client.conftest import Place
from tests.integration.tax_client.faulty_server import Faults, serve_faults
from tests.support.browser import Tab, chromium
from tests.support.waiting import wait_until

CHARTS = {"throughput": "one", "latency": "three", "distribution": "one", "percentiles": "three", "errors": "bad"}
# Counts the pixels of a canvas whose colour is close to a given colour of the page.
COUNT_PIXELS = """([name, color]) => {
  const canvas = document.querySelector(`#${name} canvas`);
  const probe = document.createElement("canvas").getContext("2d");
  probe.fillStyle = getComputedStyle(document.documentElement).getPropertyValue(`--${color}`).trim();
  probe.fillRect(0, 0, 1, 1);
  const [red, green, blue] = probe.getImageData(0, 0, 1, 1).data;
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let count = 0;
  for (let i = 0; i < data.length; i += 4) {
    count += Math.abs(data[i] - red) + Math.abs(data[i + 1] - green) + Math.abs(data[i + 2] - blue) < 60;
  }
  return count;
}"""
# Records the position of each text on a canvas. A call of clearRect deletes the records of the cleared canvas.
RECORD_TEXTS = """
const context = CanvasRenderingContext2D.prototype, { fillText, clearRect } = context;
window.texts = new Map();
context.clearRect = function (...box) { window.texts.set(this.canvas, []); return clearRect.apply(this, box); };
context.fillText = function (text, x, y) {
  const { a, d, e, f } = this.getTransform(), box = this.measureText(text), { width } = this.canvas;
  const left = x * a + e - box.actualBoundingBoxLeft, right = x * a + e + box.actualBoundingBoxRight;
  window.texts.get(this.canvas)?.push({ text, left, right, y: y * d + f, width });
  return fillText.call(this, text, x, y);
};
"""


@pytest.fixture
def report(place: Place) -> Path:
    """Write the HTML report of an open-loop flood with wrong, slow and failed answers. Return the report's path."""
    page = place.folder / "report.html"
    with serve_faults(Faults(wrong_every=1000, slow_every=300, refused=frozenset(range(500, 520)))) as server:
        options = ["--rate", "1500", "--requests", "3000", "--warm-up", "0.5", "--html", str(page)]
        assert 1 == place.run("flood", server.url, *options)
    return page


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_draws_in_a_browser(report: Path, scheme: str) -> None:
    """The page draws five charts in the colours of the scheme, fits a phone, passes axe and loads no other file."""
    with chromium() as browser:
        context = browser.new_context(viewport={"width": 390, "height": 800}, color_scheme=scheme)  # type: ignore[arg-type]
        tab = Tab(context.new_page())
        tab.open(report.as_uri())
        canvases = tab.page.locator(".chart canvas")
        expect(canvases).to_have_count(5)
        for number in range(5):
            box = canvases.nth(number).bounding_box()
            assert box
            assert box["width"] > 300 < box["height"] * 3
        assert [] == [chart for chart in CHARTS.items() if tab.page.evaluate(COUNT_PIXELS, [*chart]) < 20]
        assert "not right" in tab.text(".verdict")
        assert "status 503" in tab.text("main")
        assert tab.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        violations = tab.serious()
        for summary in tab.page.locator("summary").all():
            summary.click()
        violations += tab.serious()
        context.close()
    assert [] == tab.errors
    assert [report.as_uri()] == [address for address in tab.asked if not address.startswith("data:")]
    assert [] == violations


def test_the_charts_follow_the_scheme_and_the_width(report: Path) -> None:
    """The page redraws its charts after a change of the colour scheme or of the window width."""
    with chromium() as browser:
        context = browser.new_context(viewport={"width": 1280, "height": 800}, color_scheme="light")
        tab = Tab(context.new_page())
        tab.open(report.as_uri())
        chart = ["distribution", "one"]
        assert tab.page.evaluate(COUNT_PIXELS, chart) > 20
        tab.page.emulate_media(color_scheme="dark")
        wait_until(lambda: tab.page.evaluate(COUNT_PIXELS, chart) > 20)
        tab.page.set_viewport_size({"width": 390, "height": 800})
        wait_until(lambda: tab.page.evaluate("document.querySelector('#distribution canvas').clientWidth < 390"))
        context.close()
    assert [] == tab.errors


@pytest.mark.parametrize("width", [390, 1280])
def test_labels_of_an_axis_do_not_overlap(report: Path, width: int) -> None:
    """On a phone and on a desktop, the labels of a chart do not overlap and do not leave the canvas."""
    with chromium() as browser:
        context = browser.new_context(viewport={"width": width, "height": 800})
        context.add_init_script(RECORD_TEXTS)
        tab = Tab(context.new_page())
        tab.open(report.as_uri())
        expect(tab.page.locator(".chart canvas")).to_have_count(5)
        drawn: list[list[dict[str, Any]]] = tab.page.evaluate("[...window.texts.values()]")
        context.close()
    assert 5 == len(drawn)
    for texts in drawn:
        assert len(texts) > 4
        assert [] == [one for one in texts if one["left"] < 0 or one["right"] > one["width"]]
        lines = {one["y"] for one in texts}
        for line in lines:
            row = sorted((one["left"], one["right"], one["text"]) for one in texts if one["y"] == line)
            assert [] == [pair for pair in itertools.pairwise(row) if pair[0][1] >= pair[1][0]]


def test_pointing_at_a_chart_shows_its_values(report: Path) -> None:
    """The values at the pointer equal the values of a row in the chart's table."""
    with chromium() as browser:
        context = browser.new_context(viewport={"width": 1280, "height": 800})
        tab = Tab(context.new_page())
        tab.open(report.as_uri())
        chart = tab.page.locator("#throughput")
        chart.hover(position={"x": 300, "y": 100})
        reading = chart.locator("xpath=../p[@class='reading']")
        expect(reading).to_contain_text("answers a second")
        label, _, figures = reading.inner_text().partition(": ")
        row = chart.locator("xpath=..").locator("tr", has=tab.page.locator("th", has_text=label)).first
        cells = row.locator("td").all_text_contents()
        context.close()
    assert f"answers a second {cells[0]}, in flight {cells[1]}" == figures


def test_without_scripts_the_page_shows_tables(report: Path) -> None:
    """Without JavaScript the page shows a table of values instead of each chart."""
    with chromium() as browser:
        context = browser.new_context(java_script_enabled=False)
        page = context.new_page()
        page.goto(report.as_uri())
        assert ["The chart needs JavaScript. The table below contains its values."] * 5 == [
            text.strip() for text in page.locator(".chart").all_inner_texts()
        ]
        page.locator("summary").first.click()
        rows = page.locator("details[open] tr").count()
        context.close()
    assert rows > 5
