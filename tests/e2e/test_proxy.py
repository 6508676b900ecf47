"""Tests of nginx: its own responses, retries, request ids and logs."""

import base64
import gzip
import json
import re
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
from tests.support.replicas import frozen, list_replicas
from tests.support.service import Answer, request
from tests.support.stack import Stack
from tests.support.waiting import wait_until

TARGET = "/?married=yes&children=3&salary=200000"
BATCHES = budget(30, 100)  # number of batches of 30 generated requests
END = b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
# Malformed chunks. Nginx detects the error only when it discards the body.
NO_CHUNKS = b"Transfer-Encoding: chunked\r\n\r\n1\r\nxyz0\r\n\r\n"


def find_records(stack: Stack, request_id: str) -> list[dict[str, Any]]:
    """Wait until nginx has logged a request, and return the records of the request."""
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
def test_rejections_are_json(stack: Stack, request_bytes: bytes, status: int) -> None:
    """Nginx rejects malformed, oversized and unsupported requests with a JSON error, and logs the request id."""
    answer = stack.raw(request_bytes)
    assert_nginx_error(answer, status)
    (record,) = find_records(stack, answer.request_id)
    assert status == record["status"]


def test_raw_accent_gets_the_encoded_form(stack: Stack) -> None:
    """The error for an unencoded `marié` in a query contains the percent-encoded form."""
    assert "mari%C3%A9" in stack.raw("GET /?marié=oui".encode() + END + b"\r\n").errors[0]


def test_a_long_redirect_is_no_failure_of_a_replica(stack: Stack) -> None:
    """A redirect omits a long query, so that its headers fit into nginx's buffer and nginx excludes no replica."""
    page = load(stack.http_port, "/docs/?" + '"' * 3000, None)
    assert (308, "/docs") == (page.status, page.headers["location"])
    (record,) = find_records(stack, page.headers["x-request-id"])
    assert "308" == record["upstream_status"]


@pytest.mark.parametrize("length", [7000, 7900])
def test_gunicorn_accepts_long_request_lines_of_nginx(stack: Stack, length: int) -> None:
    """Gunicorn accepts a request line that is almost as long as nginx allows."""
    answer = stack.get("/?married=yes&children=1&salary=" + "9" * (length - 60), stack.credentials)
    assert 400 == answer.status
    assert answer.errors[0].startswith("parameter [salary] has an invalid value: [999")


def test_control_character_in_a_header_is_rejected_by_gunicorn(stack: Stack) -> None:
    """If a header contains a control character, nginx forwards the request, and gunicorn returns a JSON 400."""
    answer = stack.raw(b"GET /" + END + b"X: a\x01b\r\n\r\n")
    assert 400 == answer.status
    assert answer.errors


def test_every_byte_leaves_a_readable_log(stack: Stack) -> None:
    """Whichever byte value a request contains, each log line of nginx and of the API is a JSON object in UTF-8."""
    for byte in range(256):
        raw = bytes([byte])
        stack.get_nothing(
            b"GET /?x=" + raw + b"y HTTP/1.1\r\nHost: x" + raw + b"\r\nUser-Agent: a" + raw + b"b\r\n\r\n"
        )
    assert stack.records("nginx/access.log")
    assert stack.records("api/api.log")


@pytest.mark.parametrize("header", [b"", b"X: a\x01b\r\n"], ids=["rejected by the API", "rejected by gunicorn"])
def test_rejection_arrives_despite_an_unread_body(stack: Stack, header: bytes) -> None:
    """If a request is rejected before its body is read, the client receives the rejection and never a 502."""
    request = b"POST /" + END + header + b"Content-Length: 900000\r\n\r\n" + b"x" * 900_000
    expected = 400 if header else 401
    assert [expected] * 40 == [stack.raw(request).status for _ in range(40)]


def test_no_response_above_4xx(stack: Stack) -> None:
    """All responses to generated valid and malformed requests are JSON with a status below 500."""
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


def test_missing_replica_causes_a_502(stack: Stack) -> None:
    """Without a running replica nginx returns a JSON 502, and nginx reaches the API again after the replicas start."""
    stack.compose("stop", "api")
    try:
        credentials = stack.credentials
        # Repeat the request, because nginx returns 504s until its DNS cache expires.
        answer = wait_until(lambda: (a := stack.get(TARGET, credentials)).status == 502 and a)
        assert_nginx_error(answer, 502)
        page = wait_until(lambda: (p := load(stack.http_port, "/", credentials, "x" * 20_000)).status == 502 and p)
        assert 1 == len(page.json["response"]["errors"])
    finally:
        stack.make("up")
    assert 200 == stack.get(TARGET, stack.credentials).status


@pytest.mark.profile("limits")
def test_hanging_replica_causes_a_504(stack: Stack) -> None:
    """If a replica does not answer in time, nginx returns a JSON 504, also to a body whose login it must check."""
    credentials = stack.credentials
    with frozen(stack, *list_replicas(stack)):
        assert_nginx_error(stack.get(TARGET, credentials), 504)
        page = load(stack.http_port, "/", credentials, "x" * 20_000)
        assert (504, 1) == (page.status, len(page.json["response"]["errors"]))
    # Wait until the replica is healthy again, because Docker marks a paused container as unhealthy.
    wait_until(lambda: stack.healthy("api") == 1)


# The code of a fake replica. It drops the first N requests to the path /N, and then returns the number of attempts.
MORTAL = """
import collections, http.server
asked = collections.Counter()
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        asked[self.path] += 1
        if self.path == "/login-check" or asked[self.path] > int(self.path[1:]):
            self.send_response(200)
            self.send_header("Asked", str(asked[self.path]))
            self.end_headers()
    do_DELETE = do_POST = do_GET
http.server.HTTPServer(("", 8000), Handler).serve_forever()
"""


def reached_alone(stack: Stack) -> bool:
    """Return whether nginx reaches the fake replica at the first attempt."""
    (record,) = find_records(stack, stack.get("/0").request_id)
    return bool(record["upstream_status"] == "200")


@pytest.fixture
def mortal(stack: Stack) -> Iterator[Stack]:
    """Run the stack with the fake replica instead of the real replicas."""
    (image,) = {container["Image"] for container in stack.containers("api")}
    name = f"{stack.project}-mortal"
    stack.compose("stop", "api")
    network = ("--network", f"{stack.project}_app", "--network-alias", "api")
    run = stack.run(
        "docker", "run", "--detach", "--name", name, *network, "--entrypoint", "python", image, "-c", MORTAL
    )
    try:
        assert 0 == run.returncode, run.stderr
        stack.compose("restart", "--no-deps", "nginx")  # forgets the failures of the stopped replicas
        wait_until(lambda: stack.healthy("nginx") == 1)
        wait_until(lambda: reached_alone(stack))
        yield stack
    finally:
        stack.run("docker", "rm", "--force", name)
        stack.make("up")


# Paths and body sizes. Nginx retries a request with a body of the first size, but not with a body of the second size.
LARGE_AND_NOT = [("/01", 1_999_999), ("/001", 2_000_000)]


def test_request_of_a_dead_worker_is_retried(mortal: Stack) -> None:
    """Nginx retries the small request of a dead worker twice. It does not retry a DELETE or a very large body."""
    assert "2" == mortal.get("/1").headers["asked"]
    assert "3" == mortal.get("/2").headers["asked"]
    assert_nginx_error(mortal.get("/3"), 502)
    assert "4" == mortal.get("/3").headers["asked"]
    assert_nginx_error(mortal.get("/0001", method="DELETE"), 502)
    assert "2" == mortal.get("/0001").headers["asked"]
    wait_until(lambda: reached_alone(mortal))  # after three failures, nginx excludes the replica from the first round
    assert [200, 502] == [load(mortal.http_port, path, None, "x" * size).status for path, size in LARGE_AND_NOT]


@pytest.mark.parametrize(("path", "is_compressed"), [("/schedules", True), ("/docs", True), (TARGET, False)])
def test_long_text_is_compressed(stack: Stack, path: str, is_compressed: bool) -> None:
    """Nginx compresses text of more than 1 KB for clients that accept this, and no shorter text."""
    for accepted, expected in (("gzip", is_compressed), ("identity", False)):
        page = request(stack.http_port, path, stack.credentials, Accept_Encoding=accepted)
        assert (200, "gzip" if expected else None) == (page[0], page[1].get("content-encoding"))


def test_static_files_are_compressed_beforehand(stack: Stack) -> None:
    """The API sends its larger static files in compressed form, with an ETag of their own."""
    _, _, docs = request(stack.http_port, "/docs", stack.credentials)
    bundle = re.search(r"/static/[^\"]*bundle\.js", docs.decode())
    assert bundle is not None
    pages = [
        request(stack.http_port, bundle[0], stack.credentials, Accept_Encoding=one) for one in ("gzip", "identity")
    ]
    compressed, original = pages
    assert original[2] == gzip.decompress(compressed[2])
    # nginx would weaken the ETag of a response that it compresses.
    assert [True, True] == [headers["etag"].startswith('"') for _, headers, _ in pages]
    assert compressed[1]["etag"] != original[1]["etag"]


def test_request_id_is_in_both_logs(stack: Stack) -> None:
    """Both logs and the response contain the client's request id if it is valid, and otherwise a new request id."""
    own = f"client-{secrets.token_hex(8)}"
    assert own == stack.get(TARGET, stack.credentials, X_Request_ID=own).request_id
    assert 1 == len(find_records(stack, own))
    events = [r["event"] for r in stack.records("api/api.log", holding=own)]
    assert ["request", "answer"] == events
    assert 32 == len(stack.get(TARGET, stack.credentials, X_Request_ID=json.dumps("x" * 9)).request_id)


def test_edited_file_recreates_nginx(stack: Stack) -> None:
    """`make up` recreates the nginx container only if a configuration file of nginx has changed."""
    file = stack.folder / "nginx/templates/response-headers.conf.template"
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
