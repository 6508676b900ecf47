"""Each response is one write, so that a killed worker sends the complete response or nothing."""

from types import SimpleNamespace

import pytest
from gunicorn.config import Config

from income_tax.server.single_write_response import SingleWriteResponse


class Socket:
    """Socket that records the bytes of each call."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def sendall(self, data: bytes) -> None:
        """Record the bytes."""
        self.sent.append(data)


def answer(method: str, status: str, length: int | None, parts: list[bytes]) -> list[bytes]:
    """Send a response, and return the bytes of each call of `sendall`."""
    request = SimpleNamespace(method=method, version=(1, 1), should_close=lambda: False)
    sock = Socket()
    response = SingleWriteResponse(request, sock, Config())
    response.start_response(status, [("X", "y")] + ([("Content-Length", str(length))] if length is not None else []))
    for part in parts:
        response.write(part)
    response.close()
    return sock.sent


@pytest.mark.parametrize(
    ("method", "status", "length", "parts", "end"),
    [
        ("GET", "200 OK", 4, [b"body"], b"\r\n\r\nbody"),
        ("HEAD", "200 OK", 4, [b"body"], b"\r\n\r\n"),
        ("HEAD", "200 OK", 4, [], b"\r\n\r\n"),
        ("GET", "304 NOT MODIFIED", None, [], b"\r\n\r\n"),
        ("GET", "200 OK", 0, [], b"\r\n\r\n"),
        ("GET", "200 OK", 0, [b""], b"\r\n\r\n"),
    ],
)
def test_response_is_one_write(method: str, status: str, length: int | None, parts: list[bytes], end: bytes) -> None:
    """The head and the body of every response are sent in one write."""
    (sent,) = answer(method, status, length, parts)
    assert sent.startswith(f"HTTP/1.1 {status}\r\n".encode())
    assert sent.endswith(end)


def test_bodies_of_several_parts() -> None:
    """The parts of a body are sent in order, whether or not the length of the body is known."""
    known = answer("GET", "200 OK", 4, [b"bo", b"dy"])
    assert [b"bo", b"dy"] == [known[0][-2:], known[1]]
    chunked = b"".join(answer("GET", "200 OK", None, [b"bo", b"dy"]))
    assert b"2\r\nbo\r\n2\r\ndy\r\n0\r\n\r\n" == chunked.partition(b"\r\n\r\n")[2]
