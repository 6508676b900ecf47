"""The fast path and the Flask application return the same response to each GET /, and write the same log lines."""

import base64
import re
from collections import Counter
from io import BytesIO
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from werkzeug.security import generate_password_hash
from werkzeug.test import run_wsgi_app

from income_tax.http.app import AppDependencies, create_app
from income_tax.http.auth import basic_auth
from income_tax.http.auth.basic_auth import CACHE_TTL, Authenticator
from income_tax.http.auth.login_throttle import LoginThrottle
from income_tax.http.auth.password_check_queue import PasswordCheckQueue
from income_tax.metrics.cell_layout import CALCULATIONS, LATENCIES, LATENCY_SUM, ROUTE_CELLS, ROUTES_MAX
from income_tax.server.leader_follower.leader_lock import LeaderLock
from income_tax.service_log import build_logger, build_request_logger
from income_tax.settings import read_settings
from tests.support.budget import budget
from tests.support.data import schedules
from tests.support.fakes import FakeClock, FakeFailures, FakeUsers, Lines, build_counters
from tests.support.grammar import Grammar

EXAMPLES, REQUESTS = budget(4, 12), 40
CHEAP = "scrypt:1024:8:1"  # a low cost keeps the tests fast
HASHES = {name: generate_password_hash(password, CHEAP) for name, password in (("ann", "secret"), ("bob", "pä:ss"))}
CLIENT = "192.0.2.1"
FORMS = {
    "json": {},
    "mask_amounts": {"MASK_AMOUNTS": "on"},
    "text": {"LOG_FORMAT": "text"},
    "quiet": {"LOG_LEVEL": "warning"},
    "behind a proxy": {"TRUSTED_PROXY": CLIENT},
}
TIME = re.compile(rb"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\.\d{6}([+-]\d\d:\d\d)?|(?<=duration)(=|\": ?)[0-9.e-]+")
REQUEST_IDS = ["12345678", "a.b_c-d" * 9, "short", "x" * 65, "é" * 8, "a b c d e"]
OUTCOMES = {"200 OK", "400 BAD REQUEST", "401 UNAUTHORIZED", "429 TOO MANY REQUESTS", "fast path", "Flask"}
PAUSES = [0] * 50 + [1, 9, CACHE_TTL]  # possible numbers of seconds between two requests
# The tests skip generated headers that select the fast path or Flask, and headers that gunicorn does not forward.
LEFT_OUT = {"AUTHORIZATION", "CONTENT_LENGTH", "TRANSFER_ENCODING", "SCRIPT_NAME", "PATH_INFO"}


def basic(text: str, coding: str = "utf-8") -> str:
    """Build the Authorization header of a text `login:password`."""
    return "Basic " + base64.b64encode(text.encode(coding)).decode()


ANN = basic("ann:secret")
AUTHORIZATIONS = [ANN] * 20 + [basic("bob:pä:ss")] * 6 + [basic("ann:wrong")] * 12
AUTHORIZATIONS += [basic("nobody:secret"), basic("bob:pä:ss", "latin-1"), basic("ann:"), basic(":")]
AUTHORIZATIONS += [ANN.replace("Basic", kind) for kind in ("basic", "BASIC", "Basic ", "Basic\t", "Bearer", "é Basic")]
AUTHORIZATIONS += [ANN + " ", ANN + "=", ANN[:-1], ANN[:9], ANN.lower(), "", "Basic", "Basic ", "\xff\xfe"]


class CountedLeaderLock(LeaderLock):
    """Leader lock that counts its releases. Flask releases the lock, but the fast path does not."""

    passed = 0

    def release(self) -> None:
        self.passed += 1
        super().release()


class World:
    """The application of a worker, with the worker's log lines and metrics."""

    def __init__(self, environment: dict[str, str]) -> None:
        settings = read_settings(environment)
        form = settings.log_format, settings.log_level, settings.mask_amounts
        self.lines, self.lead, self.clock = Lines(), CountedLeaderLock(), FakeClock()
        self.counters = build_counters()
        log = build_logger("api", self.lines.write, *form)
        parts = {
            "settings": settings,
            "log": log,
            "request_logger": build_request_logger(self.lines.write, *form),
            "release_leadership_before": self.lead.release_before,
            "body_errors": (),
            "counters": self.counters,
            "schedules": SimpleNamespace(get=schedules),
            "authenticator": Authenticator(
                FakeUsers(HASHES),
                LoginThrottle(FakeFailures(), log, self.clock),
                PasswordCheckQueue(settings.threads, self.counters),
                self.counters.count_login,
                self.clock,
            ),
            "alerts": None,  # not needed, because no request fails
            "state": dict,  # not needed, because no test requests the state
        }
        self.app = create_app(cast(AppDependencies, SimpleNamespace(**parts)))

    def ask(self, environ: dict[str, Any], later: float) -> list[Any]:
        """Send a request. Return the status, headers, body and log lines without times, durations and request ids."""
        self.clock.now += later
        del self.lines.written[:]
        parts, status, headers = run_wsgi_app(self.app.wsgi_app, environ | {"wsgi.input": BytesIO()})
        request_id = headers.pop("X-Request-ID")
        lines_and_body = [TIME.sub(b"", b"".join(self.lines.written)), b"".join(parts)]
        kept = request_id if request_id == environ.get("HTTP_X_REQUEST_ID") else len(request_id)
        return [status, sorted(headers), kept, *(text.replace(request_id.encode(), b"ID") for text in lines_and_body)]

    @property
    def counted(self) -> Any:
        """Return all counts except the latencies, and the number of recorded latencies."""
        cells = self.counters.shared.sum_cells()
        blocks = [cells[n * ROUTE_CELLS : (n + 1) * ROUTE_CELLS] for n in range(ROUTES_MAX)]
        latencies = sum(sum(block[LATENCIES:LATENCY_SUM]) for block in blocks)
        return [block[:LATENCIES] for block in blocks], cells[CALCULATIONS:], latencies


def environ_of(grammar: Grammar) -> dict[str, Any]:
    """Build the WSGI environment of a GET / as gunicorn does."""
    query = grammar.query() if grammar.often(95) else ""
    target = grammar.one_of(["/?", "/?", "/?", "http://x/?", "http://x?"]) + query
    path = "" if target.startswith("http://x?") else "/"
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": path, "QUERY_STRING": query, "RAW_URI": target}
    environ |= {"SERVER_NAME": "127.0.0.1", "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1", "SCRIPT_NAME": ""}
    for _ in range(grammar.one_of([0, 0, 1, 3])):
        name, _, value = grammar.header().decode("latin-1").partition(":")
        key = name.strip().upper().replace("-", "_")
        if key not in LEFT_OUT:
            environ[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = value.strip()
    if grammar.often(50):
        environ["HTTP_X_REQUEST_ID"] = grammar.one_of(REQUEST_IDS)
    if grammar.often(90):
        environ["HTTP_AUTHORIZATION"] = grammar.one_of(AUTHORIZATIONS)
    return environ | {"REMOTE_ADDR": CLIENT, "wsgi.url_scheme": "http"}


@pytest.mark.parametrize("form", FORMS)
def test_fast_path_equals_flask(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The fast path and Flask give equal responses, log lines and counters. The header Content-Length selects Flask."""
    monkeypatch.setattr(basic_auth, "generate_password_hash", lambda text, **_: generate_password_hash(text, CHEAP))
    seen = Counter[str]()

    @settings(max_examples=EXAMPLES, phases=[Phase.generate])
    @given(st.binary(min_size=2600, max_size=2600))
    def compare(entropy: bytes) -> None:
        grammar, one, other = Grammar(entropy), World(FORMS[form]), World(FORMS[form])
        for number in range(REQUESTS):
            environ, later = environ_of(grammar), grammar.one_of(PAUSES)
            if number == 0:
                environ["HTTP_AUTHORIZATION"] = ANN  # both applications then cache these credentials
            passed = one.lead.passed
            answer = one.ask(environ, later)
            assert answer == other.ask(environ | {"CONTENT_LENGTH": "0"}, later), environ
            seen.update([answer[0], "Flask" if one.lead.passed > passed else "fast path"])
            assert (0 if form == "quiet" else 2) == len(one.lines.written)
        assert one.counted == other.counted
        assert REQUESTS == one.counted[2] == other.lead.passed

    compare()
    assert {*seen} == OUTCOMES
    assert min(seen["fast path"], seen["200 OK"], seen["400 BAD REQUEST"]) > EXAMPLES * REQUESTS / 16, seen
