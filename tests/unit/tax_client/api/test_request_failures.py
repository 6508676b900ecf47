"""Tests of the classification of failed requests by their causes."""

import socket

import pytest
import requests

from tax_client.api.request_failures import build_api_error, walk_causes

URL = "http://tax:8000"


def build_failure(cause: BaseException, how: str) -> requests.RequestException:
    """Build an exception of the library `requests` whose cause, context or argument is `cause`."""
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
            f"no trusted TLS connection to {URL}: "
            "check the address and the certificate, or use --ca-file or TAX_CA_FILE to trust its authority",
        ),
        (
            TimeoutError("slow"),
            "timeout",
            f"expected an answer from {URL} within 2.5 s: check the server, or raise --timeout or TAX_TIMEOUT",
        ),
        (
            ConnectionRefusedError(111, "no"),
            "connection refused",
            f"no server listens at {URL}: start the server, or check --url or TAX_URL",
        ),
        (
            socket.gaierror(-2, "no"),
            "unknown host",
            f"the host name in {URL} is unknown: check --url or TAX_URL",
        ),
        (
            ConnectionResetError(104, "no"),
            "connection lost",
            f"the connection to {URL} broke before the answer was complete: check the network and the server's log",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 20 else "",
)
def test_the_cause_of_a_failure_gives_its_kind(cause: BaseException, kind: str, words: str, how: str) -> None:
    """The cause, context or argument of an exception determines its kind and message."""
    error = build_api_error(build_failure(cause, how), URL, 2.5)
    assert (kind, f"{kind}: {words}") == (error.kind, str(error))


def test_every_cause_is_considered() -> None:
    """A known cause determines the kind, even if the exception has an unknown argument."""
    error = requests.ConnectionError(OSError("first"))
    error.__cause__ = TimeoutError("slow")
    assert "timeout" == build_api_error(error, URL, 1).kind


def test_an_unknown_failure_is_named() -> None:
    """The message about an unknown failure contains the name of the exception's class."""
    error = build_api_error(requests.TooManyRedirects("no"), URL, 1)
    words = f"expected a readable answer from {URL}, got error TooManyRedirects: see the server's log"
    assert ("request failed", f"request failed: {words}") == (error.kind, str(error))


def test_a_loop_of_causes_ends() -> None:
    """The search for a cause visits each exception once, even if exceptions cause each other."""
    one, other = ValueError("one"), KeyError("other")
    one.__cause__, other.__cause__ = other, one
    one.__context__ = other
    assert {one, other} == set(walk_causes(one))
    assert 2 == len(list(walk_causes(one)))
