"""The API over HTTP: calculations, JSON rejections and request ids."""

import json
import re
import secrets
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.integration.income_tax.law_requests import assert_json_error
from tests.support.data import v7_cases
from tests.support.service import Service, running_service

TARGET = "/?married=yes&children=3&salary=200000"
PUBLISHED = {
    "married": "yes",
    "children": 3,
    "salary": 200000,
    "tax": 42842,
    "surcharge": 17283,
    "rate": 0.41,
    "discount": 0,
    "reduction": 0,
}


def test_all_cases(service: Service) -> None:
    """The service returns the expected results of all 372 cases to sixteen concurrent clients."""

    def ask(case: dict[str, Any]) -> Any:
        return service.get(f"/?married={case['married']}&children={case['children']}&salary={case['salary']}").body

    cases = v7_cases()
    with ThreadPoolExecutor(16) as pool:
        assert [{"response": {"result": case}} for case in cases] == list(pool.map(ask, cases))


@pytest.mark.parametrize(
    "target", [TARGET, "/?mari%C3%A9=oui&enfants=3&salaire=200000", "/?marie=Oui&enfants=3&salaire=200000"]
)
def test_spellings_have_one_result(service: Service, target: str) -> None:
    """English, French and unaccented parameter names give the same result."""
    answer = service.get(target)
    assert (200, {"response": {"result": PUBLISHED}}) == (answer.status, answer.body)


@pytest.mark.parametrize(
    "credentials", [None, "client:wrong", "nobody:secret", "client", ":", ":secret", "clïent:sécret"]
)
def test_credentials_are_required(service: Service, credentials: str | None) -> None:
    """The service answers a request without valid credentials with a JSON 401."""
    answer = service.get(TARGET, credentials)
    assert_json_error(answer, 401)
    assert 'Basic realm="income tax", charset="UTF-8"' == answer.headers["www-authenticate"]
    assert answer.errors[0].startswith("the login name or password is missing or wrong")


@pytest.mark.parametrize("end", ["\r", "\r\n", "\n", "\0", "\t", "\x1b", "\x7f", "\x85"], ids=ascii)
@pytest.mark.parametrize("login", ["client:secret{}", "client{}:secret", "{}client:secret"])
def test_control_characters_in_credentials_are_named(service: Service, login: str, end: str) -> None:
    """The service rejects credentials with control characters (RFC 7617), and names the cause."""
    answer = service.get(TARGET, login.format(end))
    assert_json_error(answer, 401)
    assert ["the login name or password has a control character, such as the line end of a file: remove it"] == (
        answer.errors
    )


@pytest.mark.parametrize("value", ["Basic", "Basic !!!", "Basic " + "x" * 4000, "Bearer abc", "\xff\xfe"])
def test_malformed_authorization(service: Service, value: str) -> None:
    """The service answers a malformed Authorization header with a 401."""
    assert_json_error(service.get(TARGET, None, Authorization=value), 401)


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?",
        "?married=yes&children=3&salary=1&salary=1",
        "?married=yes&children=3&salary=1&x=1",
        "?married=yes&children=-1&salary=1",
        "?married=yes&children=1&salary=12.5",
        "?married=yes&children=1&salary=1e9",
        "?married=yes&children=1&salary=" + "9" * 5000,
        "?married=yes&children=1&salary=%FF",
        "?married=yes&children=1&salary=1%00",
        "?married=yes&children=1&salary=%D9%A3",
        "?married=yes&children=1&salary=%zz",
    ],
)
def test_bad_input(service: Service, query: str) -> None:
    """The service answers invalid input with a 400 and a list of errors."""
    assert_json_error(service.get("/" + query), 400)


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [
        ("GET", "/nothing", 404),
        ("PUT", TARGET, 405),
        ("DELETE", "/", 405),
        ("OPTIONS", "/", 405),
        ("GET", "/drill", 404),
    ],
)
def test_other_addresses_and_methods(service: Service, method: str, target: str, status: int) -> None:
    """With default settings the service rejects unknown paths, unsupported methods and the drill route in JSON."""
    assert_json_error(service.get(target, method=method), status)


HOST = b"\r\nHost: x\r\n"


@pytest.mark.parametrize(
    ("request_bytes", "status", "sent"),
    [
        ("GET /?marié=peut-être HTTP/1.1".encode() + HOST + b"\r\n", 400, "peut-"),
        (b"GET /?salary=" + b"9" * 20_000 + b" HTTP/1.1" + HOST + b"\r\n", 414, "9" * 9),
        (b"GARBAGE\r\n\r\n", 400, "garbage"),
        (b"GET / HTTP/9.9" + HOST + b"\r\n", 400, "9.9"),
        (b"GET / HTTP/1.1" + HOST + b"Transfer-Encoding: quantum\r\n\r\n", 400, "quantum"),
        (b"GET / HTTP/1.1" + HOST + b"Transfer-Encoding: identity\r\n\r\n", 400, "identity"),
        (b"GET / HTTP/1.1" + HOST + b"X: " + b"x" * 9000 + b"\r\n\r\n", 431, "xxx"),
        (b"GET / HTTP/1.1" + HOST + b"Q: q\r\n" * 101 + b"\r\n", 431, "q: q"),
        (b"GET / HTTP/1.1" + HOST + b"bad header\r\n\r\n", 400, "bad header"),
        (b"GET / HTTP/1.1" + HOST + b"Expect: the-impossible\r\n\r\n", 417, "impossible"),
        (b"GET / HTTP/1.1" + HOST + b"Content-Length: many\r\n\r\n", 400, "many"),
    ],
    ids=[
        "raw accent",
        "long",
        "garbage",
        "version",
        "coding",
        "identity",
        "long header",
        "many headers",
        "header",
        "expect",
        "length",
    ],
)
def test_gunicorn_rejects_in_json(service: Service, request_bytes: bytes, status: int, sent: str) -> None:
    """Gunicorn's own rejections are JSON, have a logged request id, and do not quote the request."""
    answer = service.raw(request_bytes)
    assert_json_error(answer, status)
    assert sent.encode() in request_bytes.lower()
    assert sent not in f"{answer.headers} {answer.body}".lower()
    assert ["request refused"] == service.events_of(answer.request_id)


@pytest.mark.parametrize(("method", "target"), [("POST", "/"), ("GET", TARGET), ("POST", "/health/live")])
def test_unread_bodies_are_drained(service: Service, method: str, target: str) -> None:
    """If the service rejects a request with a long body, the client gets the response and can reuse the connection."""
    connection, sockets = HTTPConnection("127.0.0.1", service.port, timeout=30), set()
    for _ in range(10):
        connection.request(method, target, body=b"x" * 900_000)
        answer = connection.getresponse()
        assert answer.status in (401, 405)
        assert json.loads(answer.read())["response"]["errors"]
        assert not answer.will_close
        sockets.add(connection.sock)
    assert 1 == len(sockets)
    connection.close()


def test_rejections_arrive_while_the_client_sends(service: Service) -> None:
    """The client receives gunicorn's rejection even though it has not sent its whole body."""
    for _ in range(10):
        answer = service.raw(b"GET / HTTP/1.1" + HOST + b"bad header\r\n\r\n" + b"x" * 900_000)
        assert_json_error(answer, 400)


HALF, DIGITS = '"\\ud800"', "9" * 20  # a lone UTF-16 surrogate, and a number with more than 64 bits
FAR = "9" * 400  # a number too large for a float


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (f'{{"married": {HALF}, "children": 1, "salary": 5}}', 400),
        (f'{{"married": "yes", "children": 1, "salary": 5, {HALF}: 1}}', 400),
        (f'{{"married": "yes", "children": 1, "salary": 5, {HALF}: 1, {HALF}: 2}}', 400),
        (f'[{{"married": "yes", "children": 1, "salary": {DIGITS}}}, {{"salary": {FAR}}}]', 200),
    ],
    ids=["value", "name", "names", "numbers"],
)
def test_json_that_a_response_cannot_contain_is_rejected(service: Service, body: str, status: int) -> None:
    """The service rejects JSON strings and numbers that its JSON response cannot contain."""
    answer = service.post(body, "application/json")
    assert status == answer.status
    assert answer.errors if status == 400 else all(one["errors"] for one in answer.body["response"]["results"])


def test_raw_accents_get_a_hint(service: Service) -> None:
    """The response to an unencoded `marié` shows the percent-encoded form."""
    assert "mari%C3%A9" in service.raw("GET /?marié=oui HTTP/1.1\r\nHost: x\r\n\r\n".encode()).errors[0]


def test_head(service: Service) -> None:
    """The response to HEAD has the status of the GET response and no body."""
    answer = service.get(TARGET, method="HEAD")
    assert (200, None) == (answer.status, answer.body)


def test_well_formed_request_id_is_kept(service: Service) -> None:
    """The response and both log lines contain the client's well-formed X-Request-ID."""
    own = f"test-{secrets.token_hex(8)}"
    answer = service.get(TARGET, X_Request_ID=own)
    assert own == answer.request_id
    assert ["request", "answer"] == service.events_of(own)


@pytest.mark.parametrize("given", ["short", "x" * 65, 'quote"quote', "a b c d e f", "é" * 8])
def test_malformed_request_id_is_replaced(service: Service, given: str) -> None:
    """The service replaces a malformed X-Request-ID with a new id."""
    assert re.fullmatch("[0-9a-f]{32}", service.get(TARGET, X_Request_ID=given).request_id)


def test_health_checks_require_no_credentials(service: Service) -> None:
    """Without credentials, liveness returns the version, and readiness returns the list of degraded components."""
    live, ready = service.get("/health/live", None), service.get("/health/ready", None)
    assert (200, "alive") == (live.status, live.body["response"]["status"])
    assert re.fullmatch(r"\d+\.\d+\.\d+", live.body["response"]["version"])
    assert (200, "ready", []) == (
        ready.status,
        ready.body["response"]["status"],
        ready.body["response"]["degraded"],
    )


def test_forwarded_headers_are_not_trusted(service: Service) -> None:
    """If no proxy is trusted, a client cannot forge its address with forwarded headers."""
    answer = service.get(TARGET, X_Forwarded_For="9.9.9.9")
    remotes = [r["remote"] for r in service.log() if r.get("request_id") == answer.request_id and "remote" in r]
    assert ["127.0.0.1"] == remotes


FORGED = "2020-07-24 10:05:20.969132, Thread-2: [index] start of a request that never was"


@pytest.mark.parametrize("form", ["json", "text"])
def test_requests_cannot_forge_log_lines(tmp_path: Path, form: str) -> None:
    """In both log formats, line ends and terminal codes in a URL or a login name cannot start a log line."""
    with running_service(tmp_path, LOG_FORMAT=form) as service:
        before = len(service.log_lines())
        for end in ("\r\n", "\n", "\r", "\x85", "\u2028", "\u2029", "\x0b", "\x1b[2K\x1b[1G"):
            assert 400 == service.get(f"/?married={quote(end + FORGED)}").status
            assert 404 == service.get(f"/{quote(end + FORGED)}").status
            assert 401 == service.get("/?salary=1", credentials=f"x{end}{FORGED}:secret").status
        text = (tmp_path / "api.log").read_bytes().decode()
        lines = text.splitlines()  # splitlines() splits at every character that a log reader could treat as a line end
        assert lines == text.split("\n")[:-1]
        assert len(lines) >= before + 24 * 2
        assert [] == [line for line in lines if line.startswith(FORGED[:10]) or not line.isprintable()]
