"""Tests of nginx's own responses, of retries and request ids, and of readable logs."""

import base64
import json
import secrets
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.support.budget import budget
from tests.support.fuzz import attack, troubles
from tests.support.pages import load
from tests.support.service import Answer
from tests.support.stack import Stack
from tests.support.waiting import wait_until

TARGET = "/?married=yes&children=3&salary=200000"
BATCHES = budget(30, 100)  # batches of 30 generated requests
END = b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
NO_CHUNKS = b"Transfer-Encoding: chunked\r\n\r\n1\r\nxyz0\r\n\r\n"  # nginx detects the error on discarding the body


def find_records(stack: Stack, request_id: str) -> list[dict[str, Any]]:
    """Wait for the records of a request in nginx's log, which are written after the response."""
    return wait_until(lambda: stack.records("nginx/access.log", holding=request_id))


def assert_nginx_error(answer: Answer, status: int) -> None:
    assert status == answer.status
    assert "application/json" == answer.headers["content-type"]
    assert "nginx" == answer.headers["server"]
    assert 1 == len(answer.errors)
    assert answer.request_id == answer.body["response"]["request_id"]


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        ("GET /?marié=oui&enfants=1&salaire=1".encode() + END + b"\r\n", 400),
        (b"GET /?mari\xe9=oui" + END + b"\r\n", 400),
        (b"GET /?salaire=" + b"9" * 20_000 + END + b"\r\n", 414),
        (b"GET /" + END + b"X: " + b"x" * 9000 + b"\r\n\r\n", 431),
        (b"GET /" + END + b"".join(b"X-%d: x\r\n" % i for i in range(200)) + b"\r\n", 431),
        (b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n", 400),
        (b"GET / HTTP/3.7\r\nHost: x\r\n\r\n", 400),
        (b"garbage\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        (b"TRACE /" + END + b"\r\n", 405),
        (b"CONNECT x:1" + END + b"\r\n", 405),
        (b"GET /%zz" + END + b"\r\n", 400),
        (b"GET /%00" + END + b"\r\n", 400),
        (b"GET /../../x" + END + b"\r\n", 400),
        (b"GET /nginx-error" + END + b"\r\n", 404),
        (b"POST /" + END + b"Content-Length: 20000000\r\n\r\n", 413),
        (b"POST /" + END + b"Transfer-Encoding: quantum\r\n\r\n", 400),
        (b"POST /" + END + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (b"TRACE /" + END + NO_CHUNKS, 400),
        (b"GET /nginx-health" + END + NO_CHUNKS, 400),
    ],
    ids=lambda value: value[:24].decode("ascii", "replace") if isinstance(value, bytes) else str(value),
)
def test_refusals_are_json(stack: Stack, request_bytes: bytes, status: int) -> None:
    """Malformed, oversized and unknown requests get a JSON error with an id that is in nginx's log."""
    answer = stack.raw(request_bytes)
    assert_nginx_error(answer, status)
    (record,) = find_records(stack, answer.request_id)
    assert status == record["status"]


def test_raw_accent_is_told_to_percent_encode(stack: Stack) -> None:
    """A query with an unencoded `marié` gets an error that shows the encoded form."""
    assert "mari%C3%A9" in stack.raw("GET /?marié=oui".encode() + END + b"\r\n").errors[0]


@pytest.mark.parametrize("length", [7000, 7900])
def test_what_nginx_lets_pass_gunicorn_takes(stack: Stack, length: int) -> None:
    """Gunicorn accepts the longest request line that nginx accepts, and the API returns a 400 for the parameter."""
    answer = stack.get("/?married=yes&children=1&salary=" + "9" * (length - 60), stack.credentials)
    assert 400 == answer.status
    assert answer.errors[0].startswith("parameter [salary] has an invalid value: [999")


def test_header_that_only_gunicorn_refuses(stack: Stack) -> None:
    """A control character in a header passes nginx, and gunicorn rejects the request in JSON."""
    answer = stack.raw(b"GET /" + END + b"X: a\x01b\r\n\r\n")
    assert 400 == answer.status
    assert answer.errors


def test_every_byte_leaves_a_readable_log(stack: Stack) -> None:
    """For every byte in a request, each line of nginx's and the API's logs is a JSON object in UTF-8."""
    for byte in range(256):
        raw = bytes([byte])
        stack.get_nothing(
            b"GET /?x=" + raw + b"y HTTP/1.1\r\nHost: x" + raw + b"\r\nUser-Agent: a" + raw + b"b\r\n\r\n"
        )
    assert stack.records("nginx/access.log")
    assert stack.records("api/api.log")


@pytest.mark.parametrize("header", [b"", b"X: a\x01b\r\n"], ids=["the API", "gunicorn"])
def test_answer_is_not_lost_to_a_body_that_nobody_reads(stack: Stack, header: bytes) -> None:
    """A rejection before the end of the body reaches the client, and never becomes a 502."""
    request = b"POST /" + END + header + b"Content-Length: 900000\r\n\r\n" + b"x" * 900_000
    expected = 400 if header else 401
    assert [expected] * 40 == [stack.raw(request).status for _ in range(40)]


def test_nothing_above_4xx(stack: Stack) -> None:
    """All responses to generated requests, valid or malformed, are JSON with a status below 500."""
    seen, authorization = Counter[str](), base64.b64encode(stack.credentials.encode())

    @settings(max_examples=BATCHES, database=None, phases=[Phase.generate])
    @given(st.binary(min_size=4000, max_size=4000))
    def send(entropy: bytes) -> None:
        outcomes = attack(stack.http_port, authorization, entropy, 30)
        assert [] == troubles(outcomes)
        seen.update(outcomes)

    send()
    assert seen.total() >= 30 * BATCHES
    assert min(seen["200"], seen["400"], seen["401"]) > BATCHES, seen
    assert seen["none"] < 1.5 * BATCHES, seen


def test_no_api(stack: Stack) -> None:
    """Without a replica nginx returns a JSON 502, and it rediscovers the API afterwards."""
    stack.compose("stop", "api")
    try:
        credentials = stack.credentials
        # nginx returns 504s until its DNS cache expires.
        answer = wait_until(lambda: (a := stack.get(TARGET, credentials)).status == 502 and a)
        assert_nginx_error(answer, 502)
    finally:
        stack.make("up")
    assert 200 == stack.get(TARGET, stack.credentials).status


@pytest.mark.profile("limits")
def test_api_that_hangs(stack: Stack) -> None:
    """Nginx returns a JSON 504 if a replica does not answer in time."""
    credentials = stack.credentials
    stack.compose("pause", "api")
    try:
        assert_nginx_error(stack.get(TARGET, credentials), 504)
    finally:
        stack.compose("unpause", "api")
        wait_until(lambda: stack.healthy("api") == 1)  # Docker marks a paused container as unhealthy


# A replica that drops a request N times, where N is the path, and then returns the number of attempts.
MORTAL = """
import collections, http.server
asked = collections.Counter()
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        asked[self.path] += 1
        if asked[self.path] > int(self.path[1:]):
            self.send_response(200)
            self.send_header("Asked", str(asked[self.path]))
            self.end_headers()
    do_DELETE = do_POST = do_GET
http.server.HTTPServer(("", 8000), Handler).serve_forever()
"""


def reached_alone(stack: Stack) -> bool:
    """Return whether nginx sends a request to the fake replica at the first attempt."""
    (record,) = find_records(stack, stack.get("/0").request_id)
    return bool(record["upstream_status"] == "200")


@pytest.fixture
def mortal(stack: Stack) -> Iterator[Stack]:
    """Run the stack with the fake replica in place of its own replicas."""
    (image,) = {container["Image"] for container in stack.containers("api")}
    name = f"{stack.project}-mortal"
    stack.compose("stop", "api")
    network = ("--network", f"{stack.project}_app", "--network-alias", "api")
    run = stack.run(
        "docker", "run", "--detach", "--name", name, *network, "--entrypoint", "python", image, "-c", MORTAL
    )
    try:
        assert 0 == run.returncode, run.stderr
        wait_until(lambda: reached_alone(stack))
        yield stack
    finally:
        stack.run("docker", "rm", "--force", name)
        stack.make("up")


# Paths and body sizes: the largest body that nginx retries, and one byte more.
LARGE_AND_NOT = [("/01", 1_999_999), ("/001", 2_000_000)]


def test_requests_outlive_their_workers(mortal: Stack) -> None:
    """Nginx sends a calculation to a single replica once more if its worker dies, unless its body is large."""
    assert "2" == mortal.get("/1").headers["asked"]
    assert_nginx_error(mortal.get("/2"), 502)
    assert "3" == mortal.get("/2").headers["asked"]
    assert_nginx_error(mortal.get("/0001", method="DELETE"), 502)
    assert "2" == mortal.get("/0001").headers["asked"]
    assert [200, 502] == [load(mortal.http_port, path, None, "x" * size).status for path, size in LARGE_AND_NOT]


def test_request_id_runs_through(stack: Stack) -> None:
    """A valid request id of the client is in both logs and in the response. An invalid id is replaced."""
    own = f"client-{secrets.token_hex(8)}"
    assert own == stack.get(TARGET, stack.credentials, X_Request_ID=own).request_id
    assert 1 == len(find_records(stack, own))
    events = [r["event"] for r in stack.records("api/api.log", holding=own)]
    assert ["request", "answer"] == events
    assert 32 == len(stack.get(TARGET, stack.credentials, X_Request_ID=json.dumps("x" * 9)).request_id)


def test_an_edited_file_is_taken_in(stack: Stack) -> None:
    """`make up` recreates nginx only if one of its files has changed."""
    file = stack.folder / "nginx/templates/headers.conf.template"
    usual = file.read_text()
    try:
        file.write_text(f'{usual}\nadd_header X-Edited "yes" always;\n')
        stack.make("up")
        (edited,) = stack.containers("nginx")
        stack.make("up")
        assert [edited["Id"]] == [container["Id"] for container in stack.containers("nginx")]
        assert "yes" == stack.get("/health/live").headers.get("x-edited")
    finally:
        file.write_text(usual)
        stack.make("up")
    assert "x-edited" not in stack.get("/health/live").headers
