"""A driver that opens the pages in Debian's Chromium. Each tab records its errors and the URLs of its requests."""

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Route, expect, sync_playwright

from tests.support.budget import REQUIRED

CHROMIUM = shutil.which("chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
PATIENCE = 120_000  # milliseconds after which the test fails if a page does not load or change
expect.set_options(timeout=PATIENCE)
# For each path, the selector of an element that exists only after the page is rendered.
DRAWN = {"/simulator": "#results[aria-busy=false]", "/docs": ".opblock"}
PHONE = {"width": 360, "height": 740}
DESK = {"width": 1280, "height": 900}


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start headless Chromium. If Chromium is not installed, skip the test, or fail the test if REQUIRED is set."""
    if CHROMIUM is None:
        (pytest.fail if REQUIRED else pytest.skip)("no Chromium is installed: apt install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@dataclass
class Tab:
    """A tab with its own profile. `errors` lists console and script errors, and `asked` lists the requested URLs."""

    page: Page
    errors: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", lambda m: self.errors.append(m.text) if m.type == "error" else None)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))

    def open(self, path: str) -> None:
        """Open a page and wait until it is rendered."""
        self.page.goto(path)
        if drawn := DRAWN.get(path.partition("#")[0]):
            expect(self.page.locator(drawn)).not_to_have_count(0)

    def text(self, selector: str) -> str:
        """Return the text of an element with normalized whitespace."""
        return re.sub(r"\s+", " ", self.page.locator(selector).inner_text()).strip()

    def forgive(self, message: str) -> None:
        """Assert that at least one error begins with the given message, and remove all errors that begin with it."""
        assert [error for error in self.errors if error.startswith(message)]
        self.errors[:] = [error for error in self.errors if not error.startswith(message)]

    def serious(self) -> list[str]:
        """Return the serious and critical accessibility violations that axe-core finds."""
        found: list[dict[str, Any]] = Axe().run(self.page).response["violations"]
        return [
            f"{one['id']}: {node['target']}"
            for one in found
            if one["impact"] in ("serious", "critical")
            for node in one["nodes"]
        ]


def bodies_of(tab: Tab) -> list[Any]:
    """Return a list that collects the JSON bodies of the tab's future POST requests."""
    bodies: list[Any] = []
    tab.page.on("request", lambda sent: bodies.append(sent.post_data_json) if sent.method == "POST" else None)
    return bodies


Open = Callable[..., AbstractContextManager[Tab]]
STATUS_400 = "Failed to load resource: the server responded with a status of 400"


def forward(route: Route) -> None:
    """Send a request through Playwright and pass the response to the browser.

    This is necessary, because Chromium aborts its own requests when the host's addresses change. Docker changes these
    addresses whenever a stack starts or stops.
    """
    route.fulfill(response=route.fetch(max_redirects=0, timeout=PATIENCE))


@contextmanager
def tab(browser: Browser, origin: str, credentials: str, *, forwarded: bool = False, **options: Any) -> Iterator[Tab]:
    """Open a tab that sends credentials. At the end, assert that the tab has no errors and requested no other host."""
    login, _, password = credentials.partition(":")
    settings = {"viewport": DESK, "locale": "en-GB", "http_credentials": {"username": login, "password": password}}
    context = browser.new_context(base_url=origin, **settings | options)
    if forwarded:
        context.route("**/*", forward)
    context.set_default_timeout(PATIENCE)
    opened = Tab(context.new_page())
    try:
        yield opened
    finally:
        context.close()  # close the page also after a failed test, because the page can poll
    assert [] == opened.errors
    assert [] == [address for address in opened.asked if not address.startswith((origin + "/", "data:"))]
