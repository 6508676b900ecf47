"""Failures of the simulator in a real browser: size limits, no server, forbidden storage, and missing files."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Route, expect

from tests.support.browser import Open, bodies_of, tab
from tests.support.family import SIMULATOR, in_euros
from tests.support.service import running_service


def test_small_batches(tmp_path: Path, browser: Browser, family: dict[str, Any]) -> None:
    """The simulator requests at most BATCH_MAX households per batch, and draws all its charts."""
    most = 20
    with running_service(tmp_path, BATCH_MAX=str(most)) as small:
        address = f"http://127.0.0.1:{small.port}"
        with tab(browser, address, small.credentials) as opened:
            bodies = bodies_of(opened)
            opened.open(SIMULATOR)
            expect(opened.page.locator("#collected")).to_have_text(in_euros(family["collected"]))
            assert most == max(len(body) for body in bodies if isinstance(body, list))
            assert 8 == opened.page.locator("#years button").count()
            assert 1 == opened.page.locator("#curve canvas").count()


def test_short_bodies(opened: Open) -> None:
    """If a body of BATCH_MAX households is too large, the simulator sends smaller batches."""
    longest = 2000
    refusal = json.dumps({"response": {"errors": ["too large"], "request_id": "0123456789"}})

    def bound(route: Route) -> None:
        if len(route.request.post_data or "") <= longest:
            route.fallback()
        else:
            route.fulfill(status=413, body=refusal, content_type="application/json")

    with opened() as tab:
        tab.open(SIMULATOR)
        results = tab.text("#results")
        tab.page.route("**/*", bound)
        tab.open("about:blank")
        tab.open(SIMULATOR)
        expect(tab.page.locator("#results-heading")).to_be_visible()
        assert results == tab.text("#results")
        tab.forgive("Failed to load resource: the server responded with a status of 413")


def test_unreachable_server_or_rejected_login(opened: Open) -> None:
    """If the server is unreachable or rejects a request, the page reports the error and keeps the user's entries."""

    def answer(status: int, **headers: str) -> Callable[[Route], None]:
        body = json.dumps({"response": {"errors": ["no"], "request_id": "0123456789"}})
        headers |= {"Content-Type": "application/json"}
        return lambda route: route.fulfill(status=status, body=body, headers=headers)

    def posts(handler: Callable[[Route], None]) -> Callable[[Route], None]:
        return lambda route: handler(route) if route.request.method == "POST" else route.fallback()

    with opened() as tab:
        tab.open(SIMULATOR)
        cases = [
            (lambda route: route.abort(), "requestfailed", "The server cannot be reached."),
            (answer(502), "requestfinished", "The server cannot be reached."),
            (answer(401), "requestfinished", "The server rejected the login name or the password."),
            (answer(429, **{"Retry-After": "7"}), "requestfinished", "Try again in 7 s."),
            (answer(500), "requestfinished", "give the operator this request id: 0123456789"),
        ]
        for handler, event, words in cases:
            tab.page.route("**/*", posts(handler))
            with tab.page.expect_event(event, lambda request: request.method == "POST"):  # waits for this case
                tab.page.get_by_role("button", name="Calculate").click()
            expect(tab.page.locator("#trouble")).to_contain_text(words)
            assert "50000" == tab.page.locator("#salary").input_value()
            expect(tab.page.locator("#old")).to_be_visible()
            tab.page.unroute_all()
        tab.page.get_by_role("button", name="Calculate").click()
        expect(tab.page.locator("#trouble")).to_be_hidden()
        tab.forgive("Failed to load resource")


def test_late_responses_are_ignored(opened: Open) -> None:
    """A second calculation aborts the first request, and the page shows the second result."""
    with opened() as tab:
        tab.open(SIMULATOR)
        tab.page.route(
            "**/*", lambda route: None if '"salary":51111,' in (route.request.post_data or "") else route.fallback()
        )
        tab.page.locator("#salary").fill("51111")
        with tab.page.expect_request(lambda request: "51111" in (request.post_data or "")):
            tab.page.keyboard.press("Enter")
        tab.page.locator("#salary").fill("52222")
        with tab.page.expect_event("requestfailed", lambda request: "51111" in (request.post_data or "")):
            tab.page.keyboard.press("Enter")
        expect(tab.page.locator("#curve-legend")).to_contain_text("€52,222")


def test_storage_forbidden(opened: Open) -> None:
    """If the browser forbids storage, the page still calculates taxes and switches languages."""
    with opened() as tab:
        forbid = (
            "Object.defineProperty(window, 'localStorage', {get() { throw new DOMException('', 'SecurityError') }})"
        )
        tab.page.add_init_script(forbid)
        tab.open("/simulator")
        expect(tab.page.locator("#results-heading")).to_be_visible()
        tab.page.get_by_role("button", name="Français").click()
        assert "Le foyer" == tab.text("#form-heading")


@pytest.mark.parametrize("file", ["translations.json", "results.js", "vendor/uplot/uPlot.esm.js"])
@pytest.mark.parametrize(("locale", "words"), [("en-GB", "are not loaded"), ("fr-FR", "ne sont pas chargés")])
def test_files_not_loaded(opened: Open, file: str, locale: str, words: str) -> None:
    """If a script or the translations cannot be loaded, the page reports the failure in its language."""
    with opened(locale=locale) as tab:
        tab.page.route(f"**/static/*/{file}", lambda route: route.abort())
        with tab.page.expect_event("requestfailed", lambda request: request.url.endswith(file)):
            tab.page.goto("/simulator")
        tab.page.evaluate("document.getAnimations().forEach(animation => animation.finish())")  # skips a 4 s delay
        expect(tab.page.locator("#unloaded")).to_be_visible()
        expect(tab.page.locator("#unloaded")).to_contain_text(words)
        tab.errors.clear()
