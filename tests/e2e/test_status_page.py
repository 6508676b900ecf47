"""The operator's page in a real browser, against the stack: what it says, and how it brings itself up to date."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Route, expect

from tests.support.browser import Open, Tab, needs_chromium
from tests.support.stack import Stack
from tests.support.waiting import wait_until

pytestmark = needs_chromium

# The test says when the page is to bring itself up to date, and can wait until it has.
BY_HAND = "window.setInterval = update => { window.tick = update; };"


def open_status(tab: Tab) -> None:
    """Open the page, with a mark on its content, which the next one lacks."""
    tab.page.add_init_script(BY_HAND)
    tab.open("/status")
    tab.page.evaluate("document.querySelector('h1').className = 'old'")
    tab.asked.clear()


def tick(tab: Tab, times: int = 1) -> None:
    """Let the page bring itself up to date, so many times at once."""
    tab.page.evaluate("times => Promise.all(Array.from({ length: times }, () => tick()))", times)


def renew(tab: Tab) -> None:
    """Let the page bring itself up to date, which it must do without a word."""
    tick(tab)
    expect(tab.page.locator("h1")).not_to_have_class("old")
    expect(tab.page.locator("h1")).to_contain_text("ll is well")
    expect(tab.page.locator("#stale")).to_have_text("")


def test_operators_page(opened: Open, stack: Stack) -> None:
    """The operator sees all replicas and workers of the host, requests, alerts, the room of the logs, and MailHog."""
    assert 200 == stack.get("/schedules", stack.credentials).status  # a request to be counted
    with opened() as tab:

        def seen() -> bool:
            tab.open("/status")
            tiles = tab.text("main > dl")
            counted = re.search(r"Requests, last five minutes [1-9]\d*", tiles)
            return "2 × 2 4 workers seen" in tiles and counted is not None

        wait_until(seen)
        assert "2" == stack.compose("exec", "-T", "api", "cat", "/state/replicas").strip()
        tiles = tab.text("main > dl")
        assert re.search(r"\d+ pending", tiles)
        assert re.search(r"Room of the logs [\d.]+ GiB free of [\d.]+ GiB", tiles)
        schedules = stack.get("/health/ready").body["response"]["schedules"]
        assert f"schedules {schedules}, income years 2018 to 2025" in tiles
        assert 4 == tab.page.locator("#workers-heading ~ div tbody tr").count()
        assert f"http://127.0.0.1:{stack.mail_port}/" == tab.page.locator("main dl a").get_attribute("href")
        before = tab.text(".intro time")
        expect(tab.page.locator(".intro time")).not_to_have_text(before)


@pytest.mark.parametrize("place", ["#requests", "#workers", "#mails"])
def test_focus_is_kept(opened: Open, place: str) -> None:
    """Whoever has the focus in a table or on a link has it there again when the content is renewed."""
    with opened() as tab:
        open_status(tab)
        tab.page.locator(place).focus()
        renew(tab)
        expect(tab.page.locator(place)).to_be_focused()


def test_scrolled_tables_stay(opened: Open) -> None:
    """A table that was scrolled sideways on a phone is where it was when the content is renewed."""
    with opened(viewport={"width": 360, "height": 740}) as tab:
        open_status(tab)
        tab.page.locator("#requests").evaluate("box => { box.scrollLeft = 40; }")
        renew(tab)
        assert 40 == tab.page.locator("#requests").evaluate("box => box.scrollLeft")


def test_selected_text_is_kept(opened: Open) -> None:
    """Content waits while text is selected; that is said, with how things are, and so is trouble."""
    with opened() as tab:
        open_status(tab)
        tab.page.evaluate("getSelection().selectAllChildren(document.getElementById('workers-heading'))")
        tick(tab)
        expect(tab.page.locator("#stale")).to_contain_text("ll is well: newer figures wait until no text is selected.")
        expect(tab.page.locator("h1")).to_have_class("old")
        tab.page.route("**/status", lambda route: route.abort())
        tick(tab)
        expect(tab.page.locator("#stale")).to_contain_text("The server cannot be reached")
        assert "Workers" == tab.page.evaluate("getSelection().toString()")
        tab.page.unroute_all()
        tab.page.evaluate("getSelection().removeAllRanges()")
        renew(tab)
        tab.forgive("Failed to load resource")


def test_pause(opened: Open) -> None:
    """Paused, the page asks nothing and says so; resumed, it asks at once."""
    with opened() as tab:
        open_status(tab)
        tab.page.get_by_role("button", name="Pause updates").click()
        expect(tab.page.locator("#stale")).to_have_text("Paused: these are the figures of that time.")
        tick(tab)
        expect(tab.page.locator("h1")).to_have_class("old")
        assert [] == tab.asked
        tab.page.get_by_role("button", name="Resume updates").click()
        expect(tab.page.locator("h1")).not_to_have_class("old")
        assert 1 == len(tab.asked)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda route: route.abort(), "The server cannot be reached"),
        (lambda route: route.fulfill(status=502, body="{}"), "The server answers with status 502"),
        (lambda route: route.fulfill(status=200, body="<p>Elsewhere</p>"), "Another page is answered"),
    ],
    ids=["gone", "502", "another page"],
)
def test_trouble(opened: Open, answer: Callable[[Route], None], words: str) -> None:
    """When no page comes, that is said wherever the focus is, and nothing says that all is well, until one comes."""
    with opened() as tab:
        open_status(tab)
        tab.page.locator("#workers").focus()
        tab.page.route("**/status", answer)
        tick(tab)
        expect(tab.page.locator("#stale")).to_have_text(f"{words}: these are the last known figures.")
        expect(tab.page.locator("h1")).to_have_text("Out of date")
        expect(tab.page.locator("#workers")).to_be_focused()
        tab.page.unroute_all()
        renew(tab)
        tab.errors.clear()


def test_login_refused(opened: Open) -> None:
    """When the login is refused, that is said, and the page asks no more: the browser would ask for it each time."""
    with opened() as tab:
        open_status(tab)
        tab.page.route("**/status", lambda route: route.fulfill(status=401, body="{}"))
        tick(tab)
        expect(tab.page.locator("#stale")).to_contain_text("The login is refused, reload the page to log in again")
        expect(tab.page.locator("h1")).to_have_text("Out of date")
        tick(tab)
        assert 1 == len(tab.asked)
        tab.forgive("Failed to load resource: the server responded with a status of 401")


def test_server_that_does_not_answer(opened: Open) -> None:
    """A request that is not answered in time is given up, which is said; until then there is no second one."""
    with opened() as tab:
        open_status(tab)
        tab.page.route("**/status", lambda _: None)
        tick(tab, 3)
        assert 1 == len(tab.asked)
        expect(tab.page.locator("#stale")).to_contain_text("The server does not answer")
        tab.page.unroute_all()
        renew(tab)
