"""Tests of transient failures, after which `calculate` retries the request, and of permanent failures."""

import itertools
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any

import pytest

from tax_client.api.retry import TRANSIENT
from tests.integration.tax_client.conftest import Place
from tests.integration.tax_client.fake_server import (
    PUBLISHED,
    Reply,
    Request,
    Script,
    echo_reply,
    published_reply,
    result_body,
    serving,
)
from tests.integration.tax_client.faulty_server import Faults, serve_faults

LINE = "1,yes,2,55555\n"  # the household of the first published result

# Starts a server that fails the first request, and yields the server's address.
Trouble = Callable[[], AbstractContextManager[str]]


def fail_first(trouble: Script) -> Script:
    """Return a script that answers the first request with `trouble`, and all further requests correctly."""
    turns = itertools.count()
    return lambda request: published_reply(request) if next(turns) else trouble(request)


@contextmanager
def serve_status(status: int) -> Iterator[str]:
    """Start a server whose first answer has this status, and yield the server's address."""
    with serving(fail_first(lambda _: (status, b""))) as server:
        yield server.url


@contextmanager
def serve_silence() -> Iterator[str]:
    """Start a server that delays its first answer until the second request arrives, and yield the server's address."""
    turns, second = itertools.count(), threading.Event()

    def script(request: Request) -> Reply:
        if next(turns):
            second.set()
        else:
            second.wait()
        return published_reply(request)

    with serving(script) as server:
        try:
            yield server.url
        finally:
            second.set()  # ends the delay if the client did not retry


@contextmanager
def serve_hang_up() -> Iterator[str]:
    """Start a server that disconnects instead of sending its first answer, and yield the server's address."""

    def hang_up(_request: Request) -> Reply:
        raise ConnectionAbortedError

    with serving(fail_first(hang_up)) as server:
        yield server.url


@contextmanager
def serve_short_body() -> Iterator[str]:
    """Start a server whose first answer is shorter than its Content-Length, and yield the server's address."""
    broken = (200, b'{"response"', {"Content-Length": "1000", "Connection": "close"})
    with serving(fail_first(lambda _: broken)) as server:
        yield server.url


@contextmanager
def serve_reset() -> Iterator[str]:
    """Start a server that resets the first connection, and yield the server's address."""
    with serve_faults(Faults(reset=frozenset({1}))) as server:
        yield server.url


@contextmanager
def serve_first_lookup(look_up: Callable[..., Any]) -> Iterator[str]:
    """Start a server, and yield its address. The function `look_up` replaces the first lookup of the host name."""
    known, turns = socket.getaddrinfo, itertools.count()

    def getaddrinfo(*asked: Any, **more: Any) -> Any:
        return known(*asked, **more) if next(turns) else look_up(known, *asked, **more)

    with serving(published_reply) as server, pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", getaddrinfo)
        yield server.url


@contextmanager
def serve_unknown_host() -> Iterator[str]:
    """Start a server whose host name is unknown at the first lookup, and yield the server's address."""

    def look_up(*_asked: Any, **_more: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    with serve_first_lookup(look_up) as url:
        yield url


@contextmanager
def serve_refusal() -> Iterator[str]:
    """Start a server whose host name first resolves to a port without a listener, and yield the server's address."""
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))  # keeps the socket open, so that no other process listens on the port

        def look_up(known: Callable[..., Any], host: str, _port: int, *more: Any, **others: Any) -> Any:
            return known(host, deaf.getsockname()[1], *more, **others)

        with serve_first_lookup(look_up) as url:
            yield url


TRANSIENT_TROUBLES: list[tuple[str, Trouble]] = [
    *[(f"status {status}", partial(serve_status, status)) for status in (429, 502, 503, 504)],
    ("timeout", serve_silence),
    ("unknown host", serve_unknown_host),
    ("connection refused", serve_refusal),
    ("connection lost", serve_hang_up),
    ("connection lost", serve_short_body),
    ("connection lost", serve_reset),
]


def list_retried_kinds(place: Place) -> list[str]:
    """Return the kinds of failure that caused the logged retries."""
    return [event["reason"].split(":")[0] for event in place.log if event["event"] == "retry"]


def test_every_transient_kind_has_a_server() -> None:
    """TRANSIENT_TROUBLES contains a server for each transient kind of failure."""
    assert TRANSIENT == {kind for kind, _trouble in TRANSIENT_TROUBLES}


@pytest.mark.parametrize(("kind", "trouble"), TRANSIENT_TROUBLES)
def test_a_transient_failure_loses_no_taxpayer(place: Place, kind: str, trouble: Trouble) -> None:
    """After a transient failure the client retries the request and gets the taxpayer's result."""
    options = ["--timeout", "0.5", "--retries", "20"] if kind == "timeout" else []
    with trouble() as url:
        assert 0 == place.run("calculate", url, place.write(LINE), *options)
    assert PUBLISHED[:1] == place.results
    assert [] == place.errors
    retried = list_retried_kinds(place)
    assert {kind} == set(retried)
    # Allow several time-outs, because a correct answer can exceed the time-out on a slow machine.
    assert 1 == len(retried) or kind == "timeout"


@pytest.mark.parametrize(
    ("kind", "reply"),
    [
        *[(f"status {status}", (status, b"")) for status in (302, 400, 401, 403, 404, 413, 500, 501)],
        ("not JSON", (200, b"<html>")),
        ("wrong shape", (200, b'{"response": {}}')),
        ("wrong echo", (200, result_body({name: value for name, value in PUBLISHED[1].items() if name != "id"}))),
    ],
)
def test_a_permanent_failure_is_not_retried(place: Place, kind: str, reply: tuple[int, bytes]) -> None:
    """After a permanent failure the client does not retry, even if the server sends Retry-After."""
    with serving(lambda _: (*reply, {"Retry-After": "0"})) as server:
        assert 1 == place.run("calculate", server.url, place.write(LINE))
    (request,), (error,) = server.requests, place.errors
    assert request.headers["X-Request-ID"] == error["request_id"]
    assert error["reason"].startswith(f"{kind}: ")
    assert [] == list_retried_kinds(place)


def test_a_short_outage_loses_no_taxpayer(place: Place) -> None:
    """If the first request of each taxpayer gets a 503, the client gets all results and logs each request."""
    refused: set[int] = set()

    def at_first_down(request: Request) -> Reply:
        if request.salary in refused:
            return echo_reply(request)
        refused.add(request.salary)
        return 503, b""

    source = place.write("".join(f"{number},no,0,{number}\n" for number in range(1, 6)))
    with serving(at_first_down) as server:
        assert 0 == place.run("calculate", server.url, source)
    assert [1, 2, 3, 4, 5] == [result["id"] for result in place.results]
    sent = [request.headers["X-Request-ID"] for request in server.requests]
    assert 10 == len(set(sent))
    assert sorted(sent) == sorted(e["request_id"] for e in place.log if e["event"] == "calculation_start")
    assert 5 == sum(event["event"] == "retry" for event in place.log)


def test_a_temporarily_unknown_host_loses_no_taxpayer(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the host name is unknown at first, the client resolves the name again and gets the result."""
    known = socket.getaddrinfo
    answers = iter([False])

    def at_first_unknown(host: str, *more: Any, **others: Any) -> Any:
        if not next(answers, True):
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return known("127.0.0.1", *more, **others)

    monkeypatch.setattr(socket, "getaddrinfo", at_first_unknown)
    with serving(echo_reply) as server:
        url = server.url.replace("127.0.0.1", "proxy.invalid")
        assert 0 == place.run("calculate", url, place.write("1,no,0,5\n"))
    assert [1] == [result["id"] for result in place.results]
    (retry,) = [event for event in place.log if event["event"] == "retry"]
    assert retry["reason"].startswith("unknown host: the host name in ")
