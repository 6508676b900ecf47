"""Which kind of failure a request that came back without an answer is, by whatever led to it."""

import socket

import pytest
import requests

from tax_client.api.failures import causes, no_answer

URL = "http://tax:8000"


def led_to(cause: BaseException, how: str) -> requests.RequestException:
    """A failure of requests to which another error has led."""
    if how == "argument":
        return requests.ConnectionError(OSError("first", cause))
    error = requests.ConnectionError("no")
    if how == "cause":
        error.__cause__ = cause
    else:
        error.__context__ = cause
    return error


@pytest.mark.parametrize("how", ["argument", "cause", "context"])
@pytest.mark.parametrize(
    ("cause", "kind", "words"),
    [
        (
            requests.exceptions.SSLError("bad"),
            "TLS error",
            f"expected a trusted certificate at {URL}: check it, or name who vouches for it by"
            " --ca-file or TAX_CA_FILE",
        ),
        (
            TimeoutError("slow"),
            "timeout",
            f"expected an answer from {URL} within 2.5 s: see the server's load, or raise --timeout or TAX_TIMEOUT",
        ),
        (
            ConnectionRefusedError(111, "no"),
            "connection refused",
            f"expected a server at {URL}, nothing listens there: start it, or check --url or TAX_URL",
        ),
        (
            socket.gaierror(-2, "no"),
            "unknown host",
            f"expected a host that the network knows at {URL}: check --url or TAX_URL",
        ),
        (
            ConnectionResetError(104, "no"),
            "connection lost",
            f"expected a whole answer from {URL}, the connection broke before: check the network and the server's log",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 20 else "",
)
def test_a_failure_is_of_the_kind_of_what_led_to_it(cause: BaseException, kind: str, words: str, how: str) -> None:
    """Cause, context and arguments of an error tell its kind; the message names the address and the time."""
    error = no_answer(led_to(cause, how), URL, 2.5)
    assert (kind, f"{kind}: {words}") == (error.kind, str(error))


def test_every_way_to_a_failure_is_followed() -> None:
    """An argument that tells no kind does not hide a cause that does."""
    error = requests.ConnectionError(OSError("first"))
    error.__cause__ = TimeoutError("slow")
    assert "timeout" == no_answer(error, URL, 1).kind


def test_another_failure_is_named() -> None:
    """A failure of no known kind is told by its name."""
    error = no_answer(requests.TooManyRedirects("no"), URL, 1)
    words = f"expected a readable answer from {URL}, got TooManyRedirects: see the server's log"
    assert ("request failed", f"request failed: {words}") == (error.kind, str(error))


def test_errors_that_led_to_each_other_are_seen_once() -> None:
    """A circle of errors ends."""
    one, other = ValueError("one"), KeyError("other")
    one.__cause__, other.__cause__ = other, one
    one.__context__ = other
    assert {one, other} == set(causes(one))
    assert 2 == len(list(causes(one)))
