"""The pages over HTTP: headers, static files, credentials, and the examples of the API description."""

import json
import re
from pathlib import Path
from urllib.parse import urlencode

import pytest

from income_tax.http.openapi.document import EXAMPLES
from tests.support.pages import load
from tests.support.service import Service, prepare, service_with
from tests.support.smtp import FaultySmtp
from tests.support.waiting import wait_until

PAGES = ["/simulator", "/docs", "/status"]
LOGIN = "client:secret"


@pytest.mark.parametrize("path", PAGES)
def test_content_security_policy(service: Service, path: str) -> None:
    """The Content-Security-Policy of each page allows only the service's own scripts and styles, and forbids frames."""
    page = load(service.port, path, LOGIN, Accept=BROWSER)
    assert (200, "text/html; charset=utf-8") == (page.status, page.headers["content-type"])
    policy = dict(rule.split(" ", 1) for rule in page.headers["content-security-policy"].split("; "))
    assert ("'none'", "'self'", "'self'", "'none'") == tuple(
        policy[name] for name in ("default-src", "script-src", "style-src", "frame-ancestors")
    )
    assert "unsafe" not in page.headers["content-security-policy"]
    assert "private, no-cache" == page.headers["cache-control"]


@pytest.mark.parametrize("path", [*PAGES, "/openapi.json", "/static/x/style.css"])
def test_pages_require_credentials(service: Service, path: str) -> None:
    """Each page and each static file requires the credentials of the API."""
    assert 401 == service.get(path, None).status


BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.mark.parametrize("path", PAGES)
def test_browser_gets_a_page_after_rejected_credentials(service: Service, path: str) -> None:
    """A browser gets the 401 response as a page in its language, and other clients get the response as JSON."""
    page = load(service.port, path, None, Accept=BROWSER, Accept_Language="fr")
    assert (401, "text/html; charset=utf-8") == (page.status, page.headers["content-type"])
    assert "L’identifiant ou le mot de passe" in page.text
    assert page.headers["www-authenticate"].startswith("Basic")
    assert load(service.port, path, None, Accept="*/*").json["response"]["errors"]


@pytest.mark.parametrize("path", PAGES)
def test_files_of_a_page(service: Service, path: str) -> None:
    """Each static file of a page exists, is cacheable as immutable, and can be revalidated."""
    page = load(service.port, path, LOGIN, Accept=BROWSER)
    addresses = set(re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text))
    assert len(addresses) >= 4
    for address in addresses:
        file = load(service.port, address, LOGIN)
        assert (200, "private, max-age=31536000, immutable") == (file.status, file.headers["cache-control"])
        assert 304 == load(service.port, address, LOGIN, If_None_Match=file.headers["etag"]).status


@pytest.mark.parametrize(
    ("path", "languages", "words"),
    [
        ("/simulator", "fr", "autoriser les scripts"),
        ("/simulator", "en", "allow scripts"),
        ("/docs", "fr", "allow scripts"),
    ],
)
def test_page_without_scripts_has_a_message(service: Service, path: str, languages: str, words: str) -> None:
    """A page that requires scripts contains a message for browsers without scripts."""
    (said,) = re.findall("<noscript>(.*)</noscript>", load(service.port, path, LOGIN, Accept_Language=languages).text)
    assert words in said


def test_files_of_another_edition(service: Service) -> None:
    """The service returns a file with `no-store` if the URL names another edition. A missing file gets a 404."""
    assert "no-store" == load(service.port, "/static/000000000000/style.css", LOGIN).headers["cache-control"]
    for name in ("nothing.js", "../app.py", "..%2fapp.py", "vendor"):
        assert 404 == load(service.port, f"/static/000000000000/{name}", LOGIN).status


@pytest.mark.parametrize(
    ("languages", "heading"), [("fr-FR,fr;q=0.9,en;q=0.8", "Combien paie un foyer"), ("de, en;q=0.5", "What does")]
)
def test_language_of_the_browser(service: Service, languages: str, heading: str) -> None:
    """The service returns the simulator page in the language that the browser prefers."""
    page = load(service.port, "/simulator", LOGIN, Accept_Language=languages)
    assert heading in page.text
    assert "Accept-Language" == page.headers["vary"]


def test_log_has_no_page_content(service: Service) -> None:
    """The service logs the media type and the size of a page instead of the content."""
    page = load(service.port, "/simulator", LOGIN)
    own = [record for record in service.log() if record.get("request_id") == page.headers["x-request-id"]]
    (line,) = [record for record in own if record["event"] == "answer"]
    assert f"[text/html, {len(page.text.encode())} bytes]" == line["body"]


def test_status_page_counts_alert_mails(tmp_path: Path) -> None:
    """The status page counts an alert mail as pending until the mail server accepts the mail."""
    prepare(tmp_path)
    with FaultySmtp("refuse") as smtp, service_with(tmp_path, smtp.port, DRILL_ROUTE="on") as service:

        def said(words: str) -> bool:
            return words in load(service.port, "/status", LOGIN, Accept="text/html").text

        assert said("<dd>0 pending<small>0 sent, 0 refused in total")
        assert 500 == service.get("/drill").status
        wait_until(lambda: said("<dd>1 pending<small>0 sent, 0 refused in total"))
        assert said("wait for their server")
        smtp.set("")
        wait_until(lambda: said("<dd>0 pending<small>1 sent, 0 refused in total"))
        assert not said("wait for their server")


def test_focusable_elements_have_ids(service: Service) -> None:
    """Each focusable element of the status page has an id, because an update uses the id to restore the focus."""
    main = re.search("<main .*</main>", load(service.port, "/status", LOGIN, Accept="text/html").text, re.DOTALL)
    assert main
    focusable = re.findall(r"<(?:a|button|input|select|summary)\b[^>]*>|<[^>]* tabindex=[^>]*>", main[0])
    assert 3 <= len(focusable)
    assert [] == [tag for tag in focusable if " id=" not in tag]


def test_described_routes_exist(service: Service) -> None:
    """Each described path without parameters exists, and the described years equal the years of the schedules."""
    description = load(service.port, "/openapi.json", LOGIN).json
    for path, operations in description["paths"].items():
        if "get" in operations and "parameters" not in operations["get"]:
            assert 200 == load(service.port, path, LOGIN).status
    years = description["components"]["schemas"]["IncomeYear"]["enum"]
    assert years == service.get("/schedules").body["response"]["years"]


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_equal_actual_responses(service: Service, name: str) -> None:
    """Each example response in the API description equals the actual response of the service."""
    example = EXAMPLES[name]
    if example.operation == "calculate_posted":
        csv = isinstance(example.request, str)
        body, kind = (example.request, "text/csv") if csv else (json.dumps(example.request), "application/json")
        answer = load(service.port, "/", LOGIN, body, Content_Type=kind, Accept=kind)
        assert example.answer == (answer.text if csv else answer.json)
    else:
        path = {"calculate": "/", "curve": "/curve"}[example.operation]
        assert example.answer == load(service.port, f"{path}?{urlencode(example.request)}", LOGIN).json
