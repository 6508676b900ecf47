"""Tests of large request bodies, which nginx buffers on disk until each body is complete."""

from contextlib import ExitStack
from socket import create_connection, socket

import pytest

from tests.e2e.test_log_disk import mount_disk, within
from tests.support.pages import Page, load
from tests.support.stack import Stack
from tests.support.waiting import wait_until

LARGE = 2_000_000  # bytes
BY_NGINX = "Too many requests: wait a second and try again."
ABOVE_A_BUFFER = 100_000  # bytes, larger than nginx's buffer in memory
CLOSE = b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"


def begin_body(stack: Stack, length: int, sent: int) -> socket:
    """Open a connection, announce a body of `length` bytes, and send only `sent` bytes of the body."""
    one = create_connection(("127.0.0.1", stack.http_port), timeout=30)
    one.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % length)
    one.sendall(bytes(sent))
    return one


def ask(stack: Stack, length: int) -> Page:
    """Post a household in a body of `length` bytes."""
    household = '{"married": "yes", "children": 3, "salary": 200000}'
    return load(stack.http_port, "/", stack.credentials, household.ljust(length), Content_Type="application/json")


def test_incomplete_bodies_do_not_block_other_bodies(stack: Stack) -> None:
    """Ten incomplete bodies of the maximum size from unauthenticated clients do not block another client's body."""
    largest = 10_000 << 10
    with ExitStack() as held:
        for _ in range(10):
            held.enter_context(begin_body(stack, largest, largest - 1))
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
        for _ in range(2):
            held.enter_context(begin_body(stack, LARGE, 1))
        answers = [stack.raw(one) for one in (unknown, large, small)]
    return [(one.status, one.errors == [BY_NGINX]) for one in answers]


@pytest.mark.profile("limits")
def test_large_bodies_are_limited_per_address(stack: Stack) -> None:
    """An address with two large bodies in flight gets a 429 for a further body of large or unknown length."""
    wait_until(lambda: [(429, True), (429, True), (401, False)] == beside_two_large_bodies(stack))
