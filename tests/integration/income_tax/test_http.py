"""The API over HTTP: calculation, and every refusal as JSON with the request's id."""

import json
import re
import secrets
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.support.data import v7_cases
from tests.support.service import Answer, Service, running_service

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


def assert_json_error(answer: Answer, status: int) -> None:
    assert status == answer.status
    assert "application/json" == answer.headers["content-type"]
    assert answer.errors
    assert all(isinstance(error, str) for error in answer.errors)
    assert answer.request_id == answer.body["response"]["request_id"]


def test_all_cases(service: Service) -> None:
    """All 372 cases of the contract are equal over HTTP, asked by many threads at once."""

    def ask(case: dict[str, Any]) -> Any:
        return service.get(f"/?married={case['married']}&children={case['children']}&salary={case['salary']}").body

    cases = v7_cases()
    with ThreadPoolExecutor(16) as pool:
        assert [{"response": {"result": case}} for case in cases] == list(pool.map(ask, cases))


@pytest.mark.parametrize(
    "target", [TARGET, "/?mari%C3%A9=oui&enfants=3&salaire=200000", "/?marie=Oui&enfants=3&salaire=200000"]
)
def test_spellings_give_one_answer(service: Service, target: str) -> None:
    """English, French and unaccented names are the same request."""
    answer = service.get(target)
    assert (200, {"response": {"result": PUBLISHED}}) == (answer.status, answer.body)


@pytest.mark.parametrize(
    "credentials", [None, "client:wrong", "nobody:secret", "client", ":", ":secret", "clïent:sécret"]
)
def test_login_is_asked_for(service: Service, credentials: str | None) -> None:
    """Without the right login and password the answer is a 401 in JSON."""
    answer = service.get(TARGET, credentials)
    assert_json_error(answer, 401)
    assert answer.headers["www-authenticate"].startswith("Basic ")


@pytest.mark.parametrize("value", ["Basic", "Basic !!!", "Basic " + "x" * 4000, "Bearer abc", "\xff\xfe"])
def test_malformed_authorization(service: Service, value: str) -> None:
    """A malformed Authorization header is a 401, not a crash."""
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
    """Bad input is a 400 with a list of errors."""
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
    """Unknown addresses and methods are refused in JSON; the drill route is off by default."""
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
        (b"GET / HTTP/1.1" + HOST + b"bad header\r\n\r\n", 400, "bad header"),
        (b"GET / HTTP/1.1" + HOST + b"Expect: the-impossible\r\n\r\n", 417, "impossible"),
        (b"GET / HTTP/1.1" + HOST + b"Content-Length: many\r\n\r\n", 400, "many"),
    ],
    ids=["raw accent", "long", "garbage", "version", "coding", "identity", "long header", "header", "expect", "length"],
)
def test_what_gunicorn_refuses_is_json_too(service: Service, request_bytes: bytes, status: int, sent: str) -> None:
    """What never reaches Flask is refused in JSON, with an id that the log knows, echoing nothing."""
    answer = service.raw(request_bytes)
    assert_json_error(answer, status)
    assert sent.encode() in request_bytes.lower()
    assert sent not in f"{answer.headers} {answer.body}".lower()
    assert ["request refused"] == service.events_of(answer.request_id)


@pytest.mark.parametrize(("method", "target"), [("POST", "/"), ("GET", TARGET), ("POST", "/health/live")])
def test_answer_is_not_lost_to_a_body_that_nobody_reads(service: Service, method: str, target: str) -> None:
    """However long the body, the answer arrives and the connection serves the next request."""
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


def test_refusal_is_not_lost_to_what_the_client_still_sends(service: Service) -> None:
    """What gunicorn refuses is answered though more of it is on its way."""
    for _ in range(10):
        answer = service.raw(b"GET / HTTP/1.1" + HOST + b"bad header\r\n\r\n" + b"x" * 900_000)
        assert_json_error(answer, 400)


HALF, DIGITS = '"\\ud800"', "9" * 20  # half a character of UTF-16; a number of more than 64 bits
FAR = "9" * 400  # which no float holds either


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
def test_what_json_can_spell_and_no_answer_can_repeat(service: Service, body: str, status: int) -> None:
    """Texts and numbers of JSON that could not be written in an answer are errors of the request, no failures."""
    answer = service.post(body, "application/json")
    assert status == answer.status
    assert answer.errors if status == 400 else all(one["errors"] for one in answer.body["response"]["results"])


def test_raw_accent_is_told_to_percent_encode(service: Service) -> None:
    """`marié` typed raw is answered with the way to write it."""
    assert "mari%C3%A9" in service.raw("GET /?marié=oui HTTP/1.1\r\nHost: x\r\n\r\n".encode()).errors[0]


def test_head(service: Service) -> None:
    """HEAD has the headers of GET and no body."""
    answer = service.get(TARGET, method="HEAD")
    assert (200, None) == (answer.status, answer.body)


def test_request_id_is_kept_when_well_formed(service: Service) -> None:
    """A well-formed X-Request-ID runs through the answer and both log lines."""
    own = f"test-{secrets.token_hex(8)}"
    answer = service.get(TARGET, X_Request_ID=own)
    assert own == answer.request_id
    assert ["request", "answer"] == service.events_of(own)


@pytest.mark.parametrize("given", ["short", "x" * 65, 'quote"quote', "a b c d e f", "é" * 8])
def test_request_id_is_made_when_malformed(service: Service, given: str) -> None:
    """A malformed X-Request-ID is replaced."""
    assert re.fullmatch("[0-9a-f]{32}", service.get(TARGET, X_Request_ID=given).request_id)


def test_health_needs_no_login(service: Service) -> None:
    """Alive tells the version, ready tells what can be calculated; neither asks for a login."""
    live, ready = service.get("/health/live", None), service.get("/health/ready", None)
    assert (200, "alive") == (live.status, live.body["response"]["status"])
    assert re.fullmatch(r"\d+\.\d+\.\d+", live.body["response"]["version"])
    assert (200, "ready", []) == (
        ready.status,
        ready.body["response"]["status"],
        ready.body["response"]["degraded"],
    )


def test_forwarded_headers_are_not_believed(service: Service) -> None:
    """Without a proxy in front, nobody can claim another address."""
    answer = service.get(TARGET, X_Forwarded_For="9.9.9.9")
    remotes = [r["remote"] for r in service.log() if r.get("request_id") == answer.request_id and "remote" in r]
    assert ["127.0.0.1"] == remotes


FORGED = "2020-07-24 10:05:20.969132, Thread-2: [index] start of a request that never was"


@pytest.mark.parametrize("form", ["json", "text"])
def test_no_request_forges_a_line(tmp_path: Path, form: str) -> None:
    """Line ends and terminal codes in an address, a login or a header begin no line of the log, in either form."""
    with running_service(tmp_path, LOG_FORMAT=form) as service:
        before = len(service.log_lines())
        for end in ("\r\n", "\n", "\r", "\x85", "\u2028", "\u2029", "\x0b", "\x1b[2K\x1b[1G"):
            assert 400 == service.get(f"/?married={quote(end + FORGED)}").status
            assert 404 == service.get(f"/{quote(end + FORGED)}").status
            assert 401 == service.get("/?salary=1", credentials=f"x{end}{FORGED}:secret").status
        text = (tmp_path / "api.log").read_bytes().decode()
        lines = text.splitlines()  # at every character that any reader may take for a line's end
        assert lines == text.split("\n")[:-1]
        assert len(lines) >= before + 24 * 2
        assert [] == [line for line in lines if line.startswith(FORGED[:10]) or not line.isprintable()]
