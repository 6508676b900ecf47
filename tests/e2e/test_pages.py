"""Tests that open the pages through nginx in a real browser. They extend the tests in tests/integration/pages."""

import re
from typing import Any

import pytest
from playwright.sync_api import Response, expect

from income_tax.http.openapi.document import EXAMPLES
from tests.support.browser import Open
from tests.support.docs_page import execute, expand
from tests.support.family import SIMULATOR, in_euros
from tests.support.pages import load
from tests.support.stack import Stack
from tests.support.waiting import wait_until


@pytest.mark.parametrize("path", ["/simulator", "/status", "/docs"])
def test_page_keeps_its_policy(opened: Open, stack: Stack, path: str) -> None:
    """Nginx adds its headers and keeps the page's Content-Security-Policy, and the browser reports no violation."""
    headers = load(stack.http_port, path, stack.credentials, Accept="text/html").headers
    assert "script-src 'self'" in headers["content-security-policy"]
    assert ("nosniff", "no-referrer") == (headers["x-content-type-options"], headers["referrer-policy"])
    with opened() as tab:
        tab.open(path)
        tab.page.wait_for_load_state("networkidle")


def test_no_salary_in_the_log(opened: Open, stack: Stack, family: dict[str, Any]) -> None:
    """The simulator shows the API's result for a link and for a submitted form, and nginx logs no salary."""
    before = stack.count("nginx/access.log")
    with opened() as tab:
        posts: list[Response] = []  # excludes calculations that the page cancelled after a change of the form
        tab.page.on("response", lambda answer: posts.append(answer) if answer.request.method == "POST" else None)
        tab.open(SIMULATOR)
        assert in_euros(family["collected"]) == tab.text("#collected")
        tab.page.get_by_label("Yearly salary", exact=True).fill("51234")
        tab.page.get_by_role("button", name="Calculate").click()
        expect(tab.page.locator("#curve-legend")).to_contain_text("€51,234")

    def records() -> list[dict[str, Any]] | None:
        """Return the records of the tab's requests if nginx has logged every POST, and otherwise None."""
        found = stack.records("nginx/access.log", before)
        return found if sum((r["method"], r["status"]) == ("POST", 200) for r in found) >= len(posts) > 0 else None

    # Search only the URIs, because ids and times can contain any digits.
    assert [] == [r for r in wait_until(records) if re.search("50000|20000|51234", r["uri"])]


def test_executed_operation_shows_the_response(opened: Open) -> None:
    """If the user executes an operation on the page /docs, the page shows the API's response."""
    with opened() as tab:
        tab.open("/docs")
        collected = EXAMPLES["family"].answer["response"]["result"]["collected"]
        assert f'"collected": {collected}' in execute(expand(tab, "calculation", "calculate"))


def test_status_page(opened: Open, stack: Stack) -> None:
    """The status page shows replicas, workers, requests, alerts, the disk space of the logs, and a link to MailHog."""
    assert 200 == stack.get("/schedules", stack.credentials).status  # sends a request that the page counts
    with opened() as tab:

        def is_counted() -> bool:
            tab.open("/status")
            tiles = tab.text("main > dl")
            counted = re.search(r"Requests, last five minutes [1-9]\d*", tiles)
            return "2 × 2 4 workers seen" in tiles and counted is not None

        wait_until(is_counted)
        assert "2" == stack.output("api", "cat", "/state/replicas").strip()
        tiles = tab.text("main > dl")
        assert re.search(r"\d+ pending", tiles)
        assert re.search(r"Disk space of the logs [\d.]+ GiB free of [\d.]+ GiB", tiles)
        schedules = stack.get("/health/ready").body["response"]["schedules"]
        assert f"schedules {schedules}, income years 2018 to 2025" in tiles
        assert 4 == tab.page.locator("#workers-heading ~ div tbody tr").count()
        assert f"http://127.0.0.1:{stack.mail_port}/" == tab.page.locator("main dl a").get_attribute("href")
        before = tab.text(".intro time")
        expect(tab.page.locator(".intro time")).not_to_have_text(before)
