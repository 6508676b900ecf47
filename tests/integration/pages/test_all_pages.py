"""All pages in a real browser: phone layout, light and dark colour schemes, and accessibility."""

import pytest

from tests.support.browser import PHONE, Open
from tests.support.family import SIMULATOR

PAGES = [SIMULATOR, "/status", "/docs"]


@pytest.mark.parametrize("path", PAGES, ids=["simulator", "status", "docs"])
def test_phone(opened: Open, path: str) -> None:
    """On a phone with a width of 360 px, no element is wider than the screen, and an idle page causes no error."""
    with opened(viewport=PHONE) as tab:
        tab.open(path)
        assert PHONE["width"] >= tab.page.evaluate("document.documentElement.scrollWidth")
        tab.page.wait_for_load_state("networkidle")  # other tests do not wait for an idle page


@pytest.mark.parametrize(
    ("path", "locale"),
    [(SIMULATOR, "fr-FR"), (SIMULATOR, "en-GB"), ("/status", "en-GB")],
    ids=["simulator in French", "simulator in English", "status"],
)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_accessible(opened: Open, path: str, locale: str, scheme: str) -> None:
    """axe-core finds no serious violation in any colour scheme and language of a page."""
    with opened(color_scheme=scheme, locale=locale) as tab:
        tab.open(path)
        assert [] == tab.serious()
        lightness = tab.page.evaluate("Number(getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0])")
        assert (scheme == "dark") == (lightness < 64)
