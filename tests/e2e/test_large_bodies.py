"""Tests of large bodies, which nginx buffers on disk until they are complete."""

from contextlib import ExitStack
from socket import create_connection, socket

import pytest

from tests.e2e.test_log_disk import mount_disk, within
from tests.support.pages import Page, load
from tests.support.stack import Stack
from tests.support.waiting import wait_until

LARGE = 2_000_000  # bytes
BY_NGINX = "Too many requests: wait a second and try again."
ABOVE_A_BUFFER = 100_000  # bytes, more than nginx buffers in memory
CLOSE = b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"


def begin_body(stack: Stack, length: int, sent: int) -> socket:
    """Open a connection and send a request with a body of `length` bytes, but only `sent` bytes of the body."""
    one = create_connection(("127.0.0.1", stack.http_port), timeout=30)
    one.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % length)
    one.sendall(bytes(sent))
    return one


def ask(stack: Stack, length: int) -> Page:
    """Post a household in a body of `length` bytes."""
    household = '{"married": "yes", "children": 3, "salary": 200000}'
    return load(stack.http_port, "/", stack.credentials, household.ljust(length), Content_Type="application/json")


def test_unfinished_bodies_take_no_room_from_others(stack: Stack) -> None:
    """Ten unauthenticated clients with unfinished bodies of the maximum size do not block another client's body."""
    largest = 10_000 << 10
    with ExitStack() as held:
        for _ in range(10):
            held.enter_context(begin_body(stack, largest, largest - 1))
        page = ask(stack, ABOVE_A_BUFFER)
    assert (200, 42842) == (page.status, page.json["response"]["result"]["tax"])


def test_a_full_disk_of_bodies_stops_no_small_ones(stack: Stack) -> None:
    """While nginx's disk is full, only bodies above its buffer get a JSON 500. Afterwards all bodies are accepted."""
    with mount_disk(stack, stack.containers("nginx")[0], "/bodies", "size=32k,mode=1777") as container:
        within(stack, container, "mkdir", "/bodies/requests")
        refused = ask(stack, ABOVE_A_BUFFER)
        assert (500, "The proxy failed") == (refused.status, refused.json["response"]["errors"][0][:16])
        assert 200 == ask(stack, 100).status
    assert 200 == ask(stack, ABOVE_A_BUFFER).status


def beside_two_large_bodies(stack: Stack) -> list[tuple[int, bool]]:
    """Send a body of unknown length, a large and a small body while two large bodies are in flight.

    Return each status and whether the response is nginx's own 429. nginx may process the two bodies in flight after the
    later requests.
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
def test_large_bodies_are_limited_apart(stack: Stack) -> None:
    """Each address may send two large bodies at a time. Others, or bodies of unknown length, get a 429."""
    wait_until(lambda: [(429, True), (429, True), (401, False)] == beside_two_large_bodies(stack))
