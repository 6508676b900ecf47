"""Tests of the HTML report: complete, self-contained, and safe against HTML in a server's answers."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser

import pytest

from tax_client.load.html_report.page import build_page
from tax_client.load.run_results import Run
from tax_client.load.run_verdict import is_all_right
from tax_client.load.thresholds import parse_threshold
from tests.unit.tax_client.load.example_runs import build_counters, build_run, build_troubled_run

HOSTILE = "</script><script>alert(1)</script><!--"


class PageReader(HTMLParser):
    """A parser that collects tags, addresses, scripts and styles, and asserts that end tags match start tags."""

    VOID = ("meta", "link", "br")

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.addresses: list[str | None] = []
        self.charts = 0
        self.inline: dict[str, list[str]] = {"script": [], "style": []}
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Record the tag, its addresses, and whether it is a chart."""
        self.tags.append(tag)
        self.addresses += [value for name, value in attrs if name in ("src", "href", "xlink:href")]
        self.charts += ("class", "chart") in attrs
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_data(self, data: str) -> None:
        """Record the text of a script or style."""
        if self.open and self.open[-1] in self.inline:
            self.inline[self.open[-1]].append(data)

    def handle_endtag(self, tag: str) -> None:
        """Assert that the end tag matches the last open tag."""
        if tag not in self.VOID:
            assert self.open.pop() == tag


def test_the_page_is_complete_and_loads_nothing() -> None:
    """The page has five charts with tables, links only an empty icon, and escapes a server's text."""
    page = build_page(build_troubled_run())
    reader = PageReader(page)
    assert [] == reader.open
    assert (5, 5) == (reader.charts, reader.tags.count("details"))
    assert ["data:,"] == reader.addresses
    assert "got &lt;script&gt;alert(1)&lt;/script&gt;\\x1b" in page


def test_the_policy_allows_the_scripts_of_the_page_only() -> None:
    """The policy allows only uPlot, the page's own script and the page's style. It identifies each by its digest."""
    page = build_page(build_troubled_run())
    reader = PageReader(page)
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', page)
    assert policy
    data, *scripts = reader.inline["script"]
    assert isinstance(json.loads(data), dict)
    digests = [
        f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
        for text in (*scripts, *reader.inline["style"])
    ]
    allowed = f"script-src {digests[0]} {digests[1]}; style-src {digests[2]}; img-src data:"
    assert f"default-src 'none'; {allowed}" == policy[1]


def test_a_text_of_the_data_does_not_end_its_script() -> None:
    """If the name of a kind of failure contains HTML, the name remains a string in the page's data.

    A merged report of another client can contain such a name.
    """
    run = build_troubled_run()
    for counters in (run.total, run.intervals[0].counters):
        counters.failures[HOSTILE] = 1
    reader = PageReader(build_page(run))
    assert 3 == reader.tags.count("script")
    assert HOSTILE in json.loads(reader.inline["script"][0])["errors"]["header"]


def test_the_page_contains_the_licence_of_uplot() -> None:
    """The page contains the copyright notice of uPlot, which the MIT licence requires."""
    assert "Copyright (c) 2022 Leon Sorokin" in build_page(build_run())


def test_unsent_requests_are_errors() -> None:
    """Unsent requests count as errors. If 97 requests are unsent and 3 have right answers, 97 % are errors."""
    run = build_run(build_counters(range(1000, 4000, 1000), unsent=97))
    assert (97, False) == (run.total.errors, is_all_right(run))
    for text in ("errors>0", "errors>=97%", "unsent>96"):
        assert parse_threshold(text).is_met(run)
    assert '<span class="verdict bad">97 of 100 not right</span>' in build_page(run)
    assert "97 never sent" in build_page(run)


@pytest.mark.parametrize(
    "run", [build_run(), build_run(build_counters(range(0), sent=4))], ids=["no request", "refused"]
)
def test_a_page_without_answers_invents_no_values(run: Run) -> None:
    """The page of a run without answers shows "no answer" as each latency, no zero duration, and a bad verdict."""
    page = build_page(run)
    for name in ("Median latency", "p95", "p99"):
        assert f"<dt>{name}</dt><dd>no answer<small>" in page
    assert 7 == page.count("<td>no answer</td>")
    assert '<span class="verdict bad">' in page
    assert "Every answer was right" not in page


def test_a_client_that_ended_badly_gets_a_bad_verdict() -> None:
    """The verdict on a run with a killed client process is bad, even if every answer is right."""
    run = build_run(build_counters())
    assert '<span class="verdict good">every answer right</span>' in build_page(run)
    run.ended_badly = ["process 0 was ended by SIGKILL"]
    assert '<span class="verdict bad">the client itself failed</span>' in build_page(run)


@pytest.mark.parametrize(
    ("households", "note"),
    [(11.0, "176 households a second"), (1.5, "24 households a second"), (1, "over 0.5 s"), ("1, 500", "over 0.5 s")],
)
def test_the_page_shows_households_per_second_of_batches(households: object, note: str) -> None:
    """The page shows households per second for batches, unless the batch sizes of merged clients differ."""
    run = build_run(build_counters(), build_counters())
    run.settings["households a request"] = households
    assert f"<dd>16/s<small>{note}</small>" in build_page(run)


@pytest.mark.parametrize(
    "run",
    [
        build_run(),
        build_run(build_counters()),
        build_run(build_counters(range(5, 6))),
        build_run(build_counters(range(0))),
    ],
)
def test_pages_of_short_runs_are_complete(run: Run) -> None:
    """The page closes all its tags for a run with no answer, with one answer, or with one interval."""
    assert [] == PageReader(build_page(run)).open
