"""The pages work if the address contains the login, as in http://login:password@host/simulator."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.support.browser import Open, Tab, tab
from tests.support.docs_page import execute, expand
from tests.support.family import SIMULATOR, in_euros
from tests.support.service import Service


@pytest.fixture(scope="module")
def opened(service: Service, browser: Browser) -> Open:
    """Return a function that opens a tab without credentials. A test puts the credentials into the address."""

    @contextmanager
    def open_tab(**options: Any) -> Iterator[Tab]:
        with tab(
            browser, f"http://127.0.0.1:{service.port}", service.credentials, http_credentials=None, **options
        ) as one:
            yield one
            one.asked[:] = [address.replace(f"{service.credentials}@", "") for address in one.asked]

    return open_tab


def add_login(service: Service, path: str) -> str:
    """Return the URL of a page with the login."""
    return f"http://{service.credentials}@127.0.0.1:{service.port}{path}"


def test_simulator(opened: Open, service: Service) -> None:
    """The simulator calculates after each change, and the copied link does not contain the login."""
    with opened(permissions=["clipboard-read", "clipboard-write"]) as tab:
        tab.page.goto(add_login(service, SIMULATOR))
        tab.page.locator("#salary").fill("51234")
        tab.page.keyboard.press("Enter")
        expect(tab.page.locator("#curve-legend")).to_contain_text(in_euros(51234))
        tab.page.get_by_role("button", name="Copy the link").click()
        expect(tab.page.locator("#shared")).to_contain_text("Link copied.")
        copied = tab.page.evaluate("navigator.clipboard.readText()")
        assert copied.startswith(f"http://127.0.0.1:{service.port}/simulator#")


def test_docs(opened: Open, service: Service) -> None:
    """The API documentation loads, executes an operation, and shows no address that contains the login."""
    with opened() as tab:
        tab.page.goto(add_login(service, "/docs"))
        operation = expand(tab, "calculation", "calculate")
        assert "collected" in execute(operation)
        assert service.credentials not in tab.text("#swagger-ui")


def test_status(opened: Open, service: Service) -> None:
    """The status page updates itself."""
    with opened() as tab:
        tab.page.add_init_script("window.setInterval = update => { window.tick = update; };")
        tab.page.goto(add_login(service, "/status"))
        tab.page.evaluate("document.querySelector('h1').className = 'old'")
        tab.page.evaluate("tick()")
        expect(tab.page.locator("h1")).not_to_have_class("old")
        expect(tab.page.locator("h1")).to_have_text(re.compile("ll is well"))
