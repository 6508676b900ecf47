"""Tests of large request bodies, which nginx buffers on disk until each body is complete."""

import base64
import json
import secrets
from contextlib import ExitStack
from http.client import HTTPResponse
from socket import create_connection, socket

import pytest

from tests.e2e.test_log_disk import mount_disk, within
from tests.support.pages import Page, load
from tests.support.service import Answer
from tests.support.stack import Stack
from tests.support.waiting import wait_until

LARGE = 2_000_000  # bytes
BY_NGINX = "Too many requests: wait a second and try again."
ABOVE_A_BUFFER = 100_000  # bytes, larger than nginx's buffer in memory
CLOSE = b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"


def begin_body(stack: Stack, credentials: str, length: int, sent: int) -> socket:
    """Open a connection, announce a body of `length` bytes, and send only `sent` bytes of the body."""
    one = create_connection(("127.0.0.1", stack.http_port), timeout=30)
    one.sendall(b"POST / HTTP/1.1\r\nHost: x\r\n" + authorize(credentials))
    one.sendall(b"Content-Length: %d\r\n\r\n" % length)
    one.sendall(bytes(sent))
    return one


def authorize(credentials: str) -> bytes:
    """Return the line of the Authorization header."""
    return b"Authorization: Basic " + base64.b64encode(credentials.encode()) + b"\r\n"


def list_bodies(stack: Stack) -> list[str]:
    """List the bodies on nginx's disk. nginx removes their names at once, so only its open files show them."""
    return stack.output(
        "nginx", "sh", "-c", "ls -l /proc/[0-9]*/fd 2>/dev/null | grep /bodies/requests || true"
    ).splitlines()


LENGTHS = {"declared": b"Content-Length: 10000000\r\n\r\n", "chunked": b"Transfer-Encoding: chunked\r\n\r\n989680\r\n"}


@pytest.mark.parametrize("length", LENGTHS)
def test_large_bodies_need_a_login(stack: Stack, length: str) -> None:
    """A stranger's large body gets the API's 401 before its end, and occupies no disk."""
    small = stack.get("/", None, "POST")
    with create_connection(("127.0.0.1", stack.http_port), timeout=30) as stranger:
        stranger.sendall(b"POST / HTTP/1.1\r\nHost: x\r\n" + LENGTHS[length] + bytes(1_000_000))
        response = HTTPResponse(stranger)
        response.begin()
        answer = Answer(response.status, {n.lower(): v for n, v in response.getheaders()}, json.load(response))
        assert [] == list_bodies(stack)
    challenge = "www-authenticate"
    assert (401, small.errors, small.headers[challenge]) == (answer.status, answer.errors, answer.headers[challenge])
    assert answer.request_id == answer.body["response"]["request_id"]


def test_bodies_with_a_login_go_to_the_disk(stack: Stack) -> None:
    """Nginx stores the large body of a client with a login on its disk, until the body is complete."""
    with begin_body(stack, stack.credentials, LARGE, LARGE - 1):
        wait_until(lambda: list_bodies(stack))
    wait_until(lambda: not list_bodies(stack))


def test_throttled_login_of_a_large_body(stack: Stack) -> None:
    """Repeated wrong logins with large bodies get the API's 429 and its Retry-After."""
    guess = f"{secrets.token_hex(4)}:wrong"

    def post() -> Page | None:
        page = load(stack.http_port, "/", guess, "x" * ABOVE_A_BUFFER)
        assert page.status in (401, 429)
        return page if page.status == 429 else None

    page = wait_until(post)
    assert "login attempts" in page.json["response"]["errors"][0]
    assert int(page.headers["retry-after"]) > 0


def ask(stack: Stack, length: int) -> Page:
    """Post a household in a body of `length` bytes."""
    household = '{"married": "yes", "children": 3, "salary": 200000}'
    return load(stack.http_port, "/", stack.credentials, household.ljust(length), Content_Type="application/json")


def test_incomplete_bodies_do_not_block_other_bodies(stack: Stack) -> None:
    """Ten incomplete bodies of the maximum size do not block another client's body."""
    largest, credentials = 10_000 << 10, stack.credentials
    with ExitStack() as held:
        for _ in range(10):
            held.enter_context(begin_body(stack, credentials, largest, largest - 1))
        page = ask(stack, ABOVE_A_BUFFER)
    assert (200, 42842) == (page.status, page.json["response"]["result"]["tax"])


def test_small_bodies_are_accepted_while_the_disk_is_full(stack: Stack) -> None:
    """While nginx's disk is full, a body larger than nginx's buffer gets a JSON 500, and a smaller body is accepted."""
    with mount_disk(stack, stack.containers("nginx")[0], "/bodies", "size=32k,mode=1777") as container:
        within(stack, container, "mkdir", "/bodies/requests")
        refused = ask(stack, ABOVE_A_BUFFER)
        assert (500, "The proxy failed") == (refused.status, refused.json["response"]["errors"][0][:16])
        assert 200 == ask(stack, 100).status
    assert 200 == ask(stack, ABOVE_A_BUFFER).status


def beside_two_large_bodies(stack: Stack) -> list[tuple[int, bool]]:
    """Send a body of unknown length, a large body and a small body while two large bodies are in flight.

    Return each status and whether the response is nginx's own 429. Callers must repeat the call, because nginx can
    process the later requests before the two bodies in flight.
    """
    unknown = b"POST /" + CLOSE + b"Transfer-Encoding: chunked\r\n\r\n1\r\n1\r\n0\r\n\r\n"
    large = b"POST /" + CLOSE + b"Content-Length: %d\r\n\r\n" % LARGE + bytes(LARGE)
    small = b"POST /" + CLOSE + b"Content-Length: 1\r\n\r\n1"
    with ExitStack() as held:
        credentials = stack.credentials
        for _ in range(2):
            held.enter_context(begin_body(stack, credentials, LARGE, 1))
        answers = [stack.raw(one) for one in (unknown, large, small)]
    return [(one.status, one.errors == [BY_NGINX]) for one in answers]


@pytest.mark.profile("limits")
def test_large_bodies_are_limited_per_address(stack: Stack) -> None:
    """An address with two large bodies in flight gets a 429 for a further body of large or unknown length."""
    wait_until(lambda: [(429, True), (429, True), (401, False)] == beside_two_large_bodies(stack))
