"""A driver of the pages: Debian's Chromium, whose every tab keeps what went wrong in it and whom it asked."""

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
PATIENCE = 120_000  # milliseconds for a page to come or to change: only a test that fails takes them
expect.set_options(timeout=PATIENCE)
# What a page has once it has drawn itself, by its path.
DRAWN = {"/simulator": "#results[aria-busy=false]", "/docs": ".opblock"}
PHONE = {"width": 360, "height": 740}
DESK = {"width": 1280, "height": 900}


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser, without a window; where none is installed, the test is skipped, or fails if it must run."""
    if CHROMIUM is None:
        (pytest.fail if REQUIRED else pytest.skip)("no Chromium is installed: apt install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@dataclass
class Tab:
    """A tab of its own profile: `errors` are those of its console and scripts, `asked` all addresses it asked for."""

    page: Page
    errors: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", lambda m: self.errors.append(m.text) if m.type == "error" else None)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))

    def open(self, path: str) -> None:
        """Go to a page and wait until it has drawn itself."""
        self.page.goto(path)
        if drawn := DRAWN.get(path.partition("#")[0]):
            expect(self.page.locator(drawn)).not_to_have_count(0)

    def text(self, selector: str) -> str:
        """The text of an element, with plain spaces."""
        return re.sub(r"\s+", " ", self.page.locator(selector).inner_text()).strip()

    def forgive(self, message: str) -> None:
        """Take an error out that the test provoked; it must have been there."""
        assert [error for error in self.errors if error.startswith(message)]
        self.errors[:] = [error for error in self.errors if not error.startswith(message)]

    def serious(self) -> list[str]:
        """What axe-core finds wrong that is serious or worse."""
        found: list[dict[str, Any]] = Axe().run(self.page).response["violations"]
        return [
            f"{one['id']}: {node['target']}"
            for one in found
            if one["impact"] in ("serious", "critical")
            for node in one["nodes"]
        ]


def bodies_of(tab: Tab) -> list[Any]:
    """Collects what the tab posts from now on."""
    bodies: list[Any] = []
    tab.page.on("request", lambda sent: bodies.append(sent.post_data_json) if sent.method == "POST" else None)
    return bodies


Open = Callable[..., AbstractContextManager[Tab]]
STATUS_400 = "Failed to load resource: the server responded with a status of 400"


def forward(route: Route) -> None:
    """Let Playwright ask and the browser have the answer, as Chromium ends requests when the host's addresses change.

    Docker gives the host addresses, and takes them, whenever a stack starts or ends.
    """
    route.fulfill(response=route.fetch(max_redirects=0, timeout=PATIENCE))


@contextmanager
def tab(browser: Browser, origin: str, credentials: str, *, forwarded: bool = False, **options: Any) -> Iterator[Tab]:
    """A new tab, logged in; it must ask no other host, and say no error but those that a test took out."""
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
        context.close()  # else a page that asks every few seconds would go on in the tests after a failed one
    assert [] == opened.errors
    assert [] == [address for address in opened.asked if not address.startswith((origin + "/", "data:"))]
