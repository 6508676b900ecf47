"""The status page in a real browser: its updates, and its messages about failed updates."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Route, expect

from tests.support.browser import Open, Tab

# Replaces the page's timer, so that the test starts each update and can wait for the end of the update.
BY_HAND = "window.setInterval = update => { window.tick = update; };"
# Replaces the timeout of a request, so that the test can read the timeout's duration and trigger the timeout.
PATIENCE_BY_HAND = """AbortSignal.timeout = milliseconds => {
    const controller = new AbortController();
    window.patience = milliseconds;
    window.expire = () => controller.abort(new DOMException("", "TimeoutError"));
    return controller.signal; };"""


def open_status(tab: Tab) -> None:
    """Open the page and mark its content, so that a test can detect an update."""
    tab.page.add_init_script(BY_HAND)
    tab.open("/status")
    tab.page.evaluate("document.querySelector('h1').className = 'old'")
    tab.asked.clear()


def updates(tab: Tab) -> list[str]:
    """Return the URLs of the page's update requests. Exclude requests for the icon."""
    return [address for address in tab.asked if address.endswith("/status")]


def tick(tab: Tab) -> None:
    """Trigger an update of the page."""
    tab.page.evaluate("tick()")


def update(tab: Tab) -> None:
    """Trigger an update of the page, and wait until it succeeds without a message."""
    tick(tab)
    expect(tab.page.locator("h1")).not_to_have_class("old")
    expect(tab.page.locator("h1")).to_contain_text("ll is well")
    expect(tab.page.locator("#stale")).to_have_text("")


@pytest.mark.parametrize("place", ["#requests", "#workers", "#mails"])
def test_focus_is_kept(opened: Open, place: str) -> None:
    """An update keeps the focus in a table or on a link."""
    with opened() as tab:
        open_status(tab)
        tab.page.locator(place).focus()
        update(tab)
        expect(tab.page.locator(place)).to_be_focused()


def test_scrolled_tables_stay(opened: Open) -> None:
    """An update keeps the scroll position of a table on a phone."""
    with opened(viewport={"width": 360, "height": 740}) as tab:
        open_status(tab)
        tab.page.locator("#requests").evaluate("box => { box.scrollLeft = 40; }")
        update(tab)
        assert 40 == tab.page.locator("#requests").evaluate("box => box.scrollLeft")


def test_selected_text_is_kept(opened: Open) -> None:
    """While text is selected, the page keeps its content, and reports each newer status and each failed update."""
    with opened() as tab:
        open_status(tab)
        tab.page.evaluate("getSelection().selectAllChildren(document.getElementById('workers-heading'))")
        tick(tab)
        expect(tab.page.locator("#stale")).to_contain_text(
            "ll is well. To see the current values, clear the text selection."
        )
        expect(tab.page.locator("h1")).to_have_class("old")
        tab.page.route("**/status", lambda route: route.abort())
        tick(tab)
        expect(tab.page.locator("#stale")).to_contain_text("The server cannot be reached")
        assert "Workers" == tab.page.evaluate("getSelection().toString()")
        tab.page.unroute_all()
        tab.page.evaluate("getSelection().removeAllRanges()")
        update(tab)
        tab.forgive("Failed to load resource")


def test_pause(opened: Open) -> None:
    """A paused page sends no request and reports the pause. A resumed page updates immediately."""
    with opened() as tab:
        open_status(tab)
        tab.page.get_by_role("button", name="Pause updates").click()
        expect(tab.page.locator("#stale")).to_have_text(
            "Updates are paused. The page shows the values of the last update."
        )
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
        (lambda route: route.fulfill(status=502, body="{}"), "The server responded with status 502"),
        (lambda route: route.fulfill(status=200, body="<p>Elsewhere</p>"), "The server returned another page"),
    ],
    ids=["gone", "502", "another page"],
)
def test_failed_update(opened: Open, answer: Callable[[Route], None], words: str) -> None:
    """The page reports a failed update, keeps the focus, and shows “Out of date” until an update succeeds."""
    with opened() as tab:
        open_status(tab)
        tab.page.locator("#workers").focus()
        tab.page.route("**/status", answer)
        tick(tab)
        expect(tab.page.locator("#stale")).to_have_text(f"{words}. The page shows the values of the last update.")
        expect(tab.page.locator("h1")).to_have_text("Out of date")
        expect(tab.page.locator("#workers")).to_be_focused()
        tab.page.unroute_all()
        update(tab)
        tab.errors.clear()


def test_login_rejected(opened: Open) -> None:
    """After a rejected login, the page reports the rejection and stops its updates, to avoid repeated login dialogs."""
    with opened() as tab:
        open_status(tab)
        tab.page.route("**/status", lambda route: route.fulfill(status=401, body="{}"))
        tick(tab)
        expect(tab.page.locator("#stale")).to_contain_text(
            "The server rejected the login name or the password. Reload the page to log in again."
        )
        expect(tab.page.locator("h1")).to_have_text("Out of date")
        tick(tab)
        assert 1 == len(updates(tab))
        tab.forgive("Failed to load resource: the server responded with a status of 401")


def test_timeout(opened: Open) -> None:
    """An update request times out after ten seconds with a message. No second request starts before the timeout."""
    with opened() as tab:
        tab.page.add_init_script(PATIENCE_BY_HAND)
        open_status(tab)
        tab.page.route("**/status", lambda _: None)
        with tab.page.expect_request("**/status"):
            tab.page.evaluate("() => { window.ticked = Promise.all([tick(), tick(), tick()]); }")
        assert 10_000 == tab.page.evaluate("patience")
        expect(tab.page.locator("#stale")).to_have_text("")
        tab.page.evaluate("() => { expire(); return ticked; }")
        expect(tab.page.locator("#stale")).to_contain_text("The server does not respond")
        assert 1 == len(updates(tab))
        tab.page.unroute_all()
        update(tab)
