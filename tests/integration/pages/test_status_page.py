"""The operator's page in a real browser: how it brings itself up to date, and what it says when it cannot."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Route, expect

from tests.support.browser import Open, Tab

# The test says when the page is to bring itself up to date, and can wait until it has.
BY_HAND = "window.setInterval = update => { window.tick = update; };"
# The test ends the page's patience with a request as well, and can read how long it is.
PATIENCE_BY_HAND = """AbortSignal.timeout = milliseconds => {
    const controller = new AbortController();
    window.patience = milliseconds;
    window.expire = () => controller.abort(new DOMException("", "TimeoutError"));
    return controller.signal; };"""


def open_status(tab: Tab) -> None:
    """Open the page, with a mark on its content, which the next one lacks."""
    tab.page.add_init_script(BY_HAND)
    tab.open("/status")
    tab.page.evaluate("document.querySelector('h1').className = 'old'")
    tab.asked.clear()


def updates(tab: Tab) -> list[str]:
    """The requests by which the page brought itself up to date; the browser asks for its icon at any time."""
    return [address for address in tab.asked if address.endswith("/status")]


def tick(tab: Tab) -> None:
    """Let the page bring itself up to date."""
    tab.page.evaluate("tick()")


def renew(tab: Tab) -> None:
    """Let the page bring itself up to date, which it must do without a word."""
    tick(tab)
    expect(tab.page.locator("h1")).not_to_have_class("old")
    expect(tab.page.locator("h1")).to_contain_text("ll is well")
    expect(tab.page.locator("#stale")).to_have_text("")


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
        assert [] == updates(tab)
        tab.page.get_by_role("button", name="Resume updates").click()
        expect(tab.page.locator("h1")).not_to_have_class("old")
        assert 1 == len(updates(tab))


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda route: route.abort(), "The server cannot be reached"),
        (lambda route: route.fulfill(status=502, body="{}"), "The server answers with status 502"),
        (lambda route: route.fulfill(status=200, body="<p>Elsewhere</p>"), "The server returned another page"),
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
        expect(tab.page.locator("#stale")).to_contain_text(
            "The server rejected the login, reload the page to log in again"
        )
        expect(tab.page.locator("h1")).to_have_text("Out of date")
        tick(tab)
        assert 1 == len(updates(tab))
        tab.forgive("Failed to load resource: the server responded with a status of 401")


def test_server_that_does_not_answer(opened: Open) -> None:
    """A request without an answer is given up after ten seconds, which is said; until then there is no second one."""
    with opened() as tab:
        tab.page.add_init_script(PATIENCE_BY_HAND)
        open_status(tab)
        tab.page.route("**/status", lambda _: None)
        with tab.page.expect_request("**/status"):
            tab.page.evaluate("() => { window.ticked = Promise.all([tick(), tick(), tick()]); }")
        assert 10_000 == tab.page.evaluate("patience")
        expect(tab.page.locator("#stale")).to_have_text("")
        tab.page.evaluate("() => { expire(); return ticked; }")
        expect(tab.page.locator("#stale")).to_contain_text("The server does not answer")
        assert 1 == len(updates(tab))
        tab.page.unroute_all()
        renew(tab)
