"""Addresses that people type into a browser, over HTTP: redirects, and the list of addresses of a 404."""

import re

import pytest

from tests.support.pages import load
from tests.support.service import Service

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
PAGES = ["/simulator", "/docs", "/status"]


@pytest.mark.parametrize("credentials", ["client:secret", None], ids=["login", "no login"])
def test_root_leads_a_browser_to_the_simulator(service: Service, credentials: str | None) -> None:
    """`/` without parameters leads a browser to the simulator, with or without a login."""
    for _ in range(2):  # the second request has cached credentials
        page = load(service.port, "/", credentials, Accept=BROWSER)
        assert (302, "/simulator", "Accept") == (page.status, page.headers["location"], page.headers["vary"])


@pytest.mark.parametrize("accepted", ["*/*", "application/json", "application/json, text/html", "text/plain", ""])
def test_root_of_other_clients(service: Service, accepted: str) -> None:
    """For other clients, `/` without parameters is a calculation without parameters."""
    for _ in range(2):
        page = load(service.port, "/", service.credentials, Accept=accepted)
        assert (400, "Accept") == (page.status, page.headers["vary"])
        assert "parameter [marié] is missing" in page.json["response"]["errors"]
    assert 401 == load(service.port, "/", None, Accept=accepted).status


def test_calculation_in_a_browser(service: Service) -> None:
    """With parameters, or as a POST, `/` is a calculation for a browser, too."""
    query = "/?married=yes&children=2&salary=50000"
    assert 200 == load(service.port, query, service.credentials, Accept=BROWSER).status
    assert 400 == load(service.port, "/?x=1", service.credentials, Accept=BROWSER).status
    assert 401 == load(service.port, query, None, Accept=BROWSER).status
    assert 415 == load(service.port, "/", service.credentials, "x", Accept=BROWSER).status


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("query", ["", "?a=%C3%A9&b=%0d%0aX:1&c=//x"])
def test_slash_at_the_end(service: Service, page: str, query: str) -> None:
    """The address of a page with a slash at the end leads to the page, and keeps the query."""
    found = load(service.port, f"{page}/{query}", None)
    assert (308, page + query) == (found.status, found.headers["location"])


@pytest.mark.parametrize(("length", "kept"), [(1500, 1500), (1501, 0)])
def test_long_query_of_a_redirect(service: Service, length: int, kept: int) -> None:
    """A redirect omits a query that is so long that its encoded form could exceed nginx's buffer for headers."""
    found = load(service.port, "/docs/?" + '"' * length, None)
    assert (308, "/docs" + "?" * bool(kept) + "%22" * kept) == (found.status, found.headers["location"])


@pytest.mark.parametrize("path", ["//simulator/", "/simulator//", "/simulator/x/", "/curve/", "//example.org/", "/x"])
def test_other_addresses_do_not_exist(service: Service, path: str) -> None:
    """A 404 lists the addresses that exist. A browser gets the list of the pages in its language."""
    found = load(service.port, path, None)
    assert 404 == found.status
    listed = found.json["response"]["expected"]
    assert {"GET /", "POST /", "GET /curve", "GET /schedules", *(f"GET {page}" for page in PAGES)} <= set(listed)
    assert [] == [address for address in listed if re.search("static|drill|login", address)]
    page = load(service.port, path, None, Accept=BROWSER, Accept_Language="fr")
    assert (404, "text/html; charset=utf-8") == (page.status, page.headers["content-type"])
    assert "Cette adresse n’existe pas" in page.text
    assert [] == [address for address in PAGES if f'href="{address}"' not in page.text]


def test_address_in_the_page_is_escaped(service: Service) -> None:
    """The 404 page shows the address as text."""
    page = load(service.port, "/<script>alert(1)</script>", None, Accept=BROWSER)
    assert 404 == page.status
    assert "<script" not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
