"""All pages in a real browser: on a phone, in the dark, for everybody."""

import pytest

from tests.support.browser import PHONE, Open
from tests.support.family import SIMULATOR

PAGES = [SIMULATOR, "/status"]


@pytest.mark.parametrize("path", [*PAGES, "/docs"])
def test_phone(opened: Open, path: str) -> None:
    """On a phone of 360 px nothing is wider than the screen."""
    with opened(viewport=PHONE) as tab:
        tab.open(path)
        assert PHONE["width"] >= tab.page.evaluate("document.documentElement.scrollWidth")


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("locale", ["fr-FR", "en-GB"])
def test_accessible(opened: Open, path: str, scheme: str, locale: str) -> None:
    """axe-core finds nothing serious, contrast included, in light and dark and in both languages."""
    with opened(color_scheme=scheme, locale=locale) as tab:
        tab.open(path)
        assert [] == tab.serious()
        lightness = tab.page.evaluate("Number(getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0])")
        assert (scheme == "dark") == (lightness < 64)
