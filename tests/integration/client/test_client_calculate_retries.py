"""Requests that `calculate` sends again: after which failures, and how long it waits when the server says."""

import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from email.utils import formatdate
from functools import partial
from typing import Any

import orjson
import pytest

from tax_client.api.failures import PASSING
from tax_client.api.retry import FIRST_PAUSE
from tests.integration.client.conftest import Place
from tests.integration.client.fake_server import (
    PUBLISHED,
    Reply,
    Request,
    Script,
    published_reply,
    result_body,
    serving,
)
from tests.integration.client.faulty_server import Faults, serve_faults

LINE = "1,yes,2,55555\n"  # the household of the first published result

Trouble = Callable[[], AbstractContextManager[str]]  # the address of a server that gives its first client trouble


def at_first(trouble: Script) -> Script:
    """A script that answers right, but for the first request."""
    turns = itertools.count()
    return lambda request: published_reply(request) if next(turns) else trouble(request)


@contextmanager
def answering(status: int) -> Iterator[str]:
    """The first answer has this status."""
    with serving(at_first(lambda _: (status, b""))) as server:
        yield server.url


@contextmanager
def silent() -> Iterator[str]:
    """The first request has no answer before the second one is there."""
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
            second.set()  # a client that did not come back ends the test all the same


@contextmanager
def hanging_up() -> Iterator[str]:
    """The first connection is closed instead of an answer."""

    def hang_up(_request: Request) -> Reply:
        raise ConnectionAbortedError

    with serving(at_first(hang_up)) as server:
        yield server.url


@contextmanager
def breaking_off() -> Iterator[str]:
    """The first answer is shorter than it says."""
    broken = (200, b'{"response"', {"Content-Length": "1000", "Connection": "close"})
    with serving(at_first(lambda _: broken)) as server:
        yield server.url


@contextmanager
def resetting() -> Iterator[str]:
    """The first connection is reset."""
    with serve_faults(Faults(reset=frozenset({1}))) as server:
        yield server.url


@contextmanager
def found_at_first(look_up: Callable[..., Any]) -> Iterator[str]:
    """What the server's name is found to be is at first what the function says, then the truth."""
    known, turns = socket.getaddrinfo, itertools.count()

    def getaddrinfo(*asked: Any, **more: Any) -> Any:
        return known(*asked, **more) if next(turns) else look_up(known, *asked, **more)

    with serving(published_reply) as server, pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", getaddrinfo)
        yield server.url


@contextmanager
def nameless() -> Iterator[str]:
    """The server has no name at first."""

    def look_up(*_asked: Any, **_more: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    with found_at_first(look_up) as url:
        yield url


@contextmanager
def refusing() -> Iterator[str]:
    """The first connection goes where nothing listens."""
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))  # kept, so that no one else listens there

        def look_up(known: Callable[..., Any], host: str, _port: int, *more: Any, **others: Any) -> Any:
            return known(host, deaf.getsockname()[1], *more, **others)

        with found_at_first(look_up) as url:
            yield url


PASSING_TROUBLES: list[tuple[str, Trouble]] = [
    *[(f"status {status}", partial(answering, status)) for status in (429, 502, 503, 504)],
    ("timeout", silent),
    ("unknown host", nameless),
    ("connection refused", refusing),
    ("connection lost", hanging_up),
    ("connection lost", breaking_off),
    ("connection lost", resetting),
]


def kinds_retried(place: Place) -> list[str]:
    """The kinds of the failures after which a request was sent again."""
    return [event["reason"].split(":")[0] for event in place.log if event["event"] == "retry"]


def test_every_passing_kind_is_tried_here() -> None:
    """The kinds that are said to pass are those that a server below really makes."""
    assert PASSING == {kind for kind, _trouble in PASSING_TROUBLES}


@pytest.mark.parametrize(("kind", "trouble"), PASSING_TROUBLES)
def test_a_passing_trouble_costs_no_taxpayer(place: Place, kind: str, trouble: Trouble) -> None:
    """A request whose first answer is such a trouble is sent again, and its line calculated."""
    options = ["--timeout", "0.5", "--retries", "20"] if kind == "timeout" else []
    with trouble() as url:
        assert 0 == place.run("calculate", url, place.write(LINE), *options)
    assert PUBLISHED[:1] == place.results
    assert [] == place.errors
    retried = kinds_retried(place)
    assert {kind} == set(retried)
    # On a slow machine a right answer too may come after half a second; nothing else makes a second retry.
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
def test_what_does_not_pass_is_not_asked_again(place: Place, kind: str, reply: tuple[int, bytes]) -> None:
    """A failure that would come out the same again is one request, even if the server says when to come back."""
    with serving(lambda _: (*reply, {"Retry-After": "0"})) as server:
        assert 1 == place.run("calculate", server.url, place.write(LINE))
    (request,), (error,) = server.requests, place.errors
    assert request.headers["X-Request-ID"] == error["request_id"]
    assert error["reason"].startswith(f"{kind}: ")
    assert [] == kinds_retried(place)


def pauses(place: Place) -> list[float]:
    """The seconds that the client decided to wait before each retry."""
    return [event["seconds"] for event in place.log if event["event"] == "retry"]


@pytest.mark.parametrize("status", [429, 503])
def test_the_seconds_that_a_server_asks_for_are_waited(place: Place, status: int) -> None:
    """After Retry-After: 1 the request comes again after one second, not after the client's own shorter pause."""
    arrivals: list[float] = []

    def busy_at_first(request: Request) -> Reply:
        arrivals.append(time.monotonic())
        return published_reply(request) if arrivals[1:] else (status, b"", {"Retry-After": "1"})

    with serving(busy_at_first) as server:
        assert 0 == place.run("calculate", server.url, place.write(LINE))
    assert PUBLISHED[:1] == place.results
    assert [1.0] == pauses(place)
    first, second = arrivals
    assert second - first >= 1


@pytest.mark.parametrize("status", [429, 503])
def test_the_date_that_a_server_asks_for_is_waited_for(place: Place, status: int) -> None:
    """After a Retry-After with a date the request does not come again before that date."""
    arrivals: list[float] = []
    dates: list[int] = []

    def busy_at_first(request: Request) -> Reply:
        arrivals.append(time.time())
        if arrivals[1:]:
            return published_reply(request)
        dates.append(int(time.time()) + 2)  # a date has whole seconds: this one is in one to two of them
        return status, b"", {"Retry-After": formatdate(dates[0], usegmt=True)}

    with serving(busy_at_first) as server:
        assert 0 == place.run("calculate", server.url, place.write(LINE))
    assert PUBLISHED[:1] == place.results
    (pause,) = pauses(place)
    assert pause <= 2
    _first, second = arrivals
    assert second >= dates[0] - 0.05, "but for what the machine's clock is put right meanwhile"


def test_a_batch_waits_as_the_server_asks(place: Place) -> None:
    """A batch that is refused with Retry-After: 1 is sent again after that second, whole."""
    results = [{"result": {name: value for name, value in row.items() if name != "id"}} for row in PUBLISHED[:2]]
    right = (200, orjson.dumps({"response": {"results": results}}))
    replies: Iterator[Reply] = iter([(429, b"", {"Retry-After": "1"}), right])
    rows = [f"{row['id']},{row['married']},{row['children']},{row['salary']}\n" for row in PUBLISHED[:2]]
    with serving(lambda _: next(replies)) as server:
        assert 0 == place.run("calculate", server.url, place.write("".join(rows)), "--batch", "2")
    assert PUBLISHED[:2] == place.results
    assert [1.0] == pauses(place)


@pytest.mark.parametrize("header", ["0", "-7", "soon", "Wed, 21 Oct 2015 07:28:00 GMT"])
def test_a_header_that_asks_for_no_time_leaves_the_client_s_own_pause(place: Place, header: str) -> None:
    """A number below one, words and a date gone by are as if the server had not said when to come back."""
    with serving(at_first(lambda _: (503, b"", {"Retry-After": header}))) as server:
        assert 0 == place.run("calculate", server.url, place.write(LINE))
    (pause,) = pauses(place)
    assert FIRST_PAUSE / 2 <= pause <= FIRST_PAUSE


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("header", ["301", "86400", "9" * 50, "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_who_asks_for_more_than_five_minutes_is_not_asked_again(place: Place, status: int, header: str) -> None:
    """A server that wants more patience than that has failed: one request, nothing waited for, the line is listed."""
    with serving(lambda _: (status, b"", {"Retry-After": header})) as server:
        assert 1 == place.run("calculate", server.url, place.write(LINE))
    (_request,), (error,) = server.requests, place.errors
    assert error["reason"].startswith(f"status {status}: ")
    assert [] == pauses(place)
