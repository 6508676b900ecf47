"""Bodies that nginx keeps on a disk until they are whole."""

from contextlib import ExitStack
from socket import create_connection, socket

from tests.support.pages import load
from tests.support.stack import Stack
from tests.support.waiting import wait_until

LARGE = 2_000_000  # bytes
CLOSE = b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"


def begin_body(stack: Stack, length: int, sent: int) -> socket:
    """A connection whose request has a body of that length, of which so many bytes are sent."""
    one = create_connection(("127.0.0.1", stack.http_port), timeout=30)
    one.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % length)
    one.sendall(bytes(sent))
    return one


def test_unfinished_bodies_take_no_room_from_others(stack: Stack) -> None:
    """While ten strangers hold bodies of the largest size, all but their last byte sent, other bodies are answered."""
    household = '{"married": "yes", "children": 3, "salary": 200000}'
    body = household.ljust(100_000)  # more than nginx keeps in memory
    largest = 10_000 << 10
    with ExitStack() as held:
        for _ in range(10):
            held.enter_context(begin_body(stack, largest, largest - 1))
        page = load(stack.http_port, "/", stack.credentials, body, Content_Type="application/json")
    assert (200, 42842) == (page.status, page.json["response"]["result"]["tax"])


def beside_two_large_bodies(stack: Stack) -> list[int]:
    """The statuses of a body of unknown length, a large and a small one while two large ones are under way.

    nginx may begin with the two later than with what was sent after them.
    """
    unknown = b"POST /" + CLOSE + b"Transfer-Encoding: chunked\r\n\r\n1\r\n1\r\n0\r\n\r\n"
    large = b"POST /" + CLOSE + b"Content-Length: %d\r\n\r\n" % LARGE + bytes(LARGE)
    small = b"POST /" + CLOSE + b"Content-Length: 1\r\n\r\n1"
    with ExitStack() as held:
        for _ in range(2):
            held.enter_context(begin_body(stack, LARGE, 1))
        return [stack.raw(one).status for one in (unknown, large, small)]


def test_large_bodies_are_limited_apart(stack: Stack) -> None:
    """Of one address two large bodies are taken at a time; more, or of unknown length, are 429s; small ones pass."""
    with stack.changed(LARGE_BODIES="2"):
        wait_until(lambda: [429, 429, 401] == beside_two_large_bodies(stack))
