"""Tests of the delay before a retry after an answer with Retry-After."""

import time
from collections.abc import Iterator
from email.utils import formatdate

import orjson
import pytest

from tax_client.api.retry import BACKOFF
from tests.integration.tax_client.conftest import Place
from tests.integration.tax_client.fake_server import (
    PUBLISHED,
    Reply,
    Request,
    published_reply,
    serving,
)
from tests.integration.tax_client.test_retries import LINE, fail_first


def list_delays(place: Place) -> list[float]:
    """Return the logged delay before each retry, in seconds."""
    return [event["seconds"] for event in place.log if event["event"] == "retry"]


@pytest.mark.parametrize("status", [429, 503])
def test_the_client_waits_for_the_seconds_of_retry_after(place: Place, status: int) -> None:
    """After `Retry-After: 1` the client waits one second, even if its own delay is shorter."""
    arrivals: list[float] = []

    def busy_at_first(request: Request) -> Reply:
        arrivals.append(time.monotonic())
        return published_reply(request) if arrivals[1:] else (status, b"", {"Retry-After": "1"})

    with serving(busy_at_first) as server:
        assert 0 == place.run("calculate", server.url, place.write(LINE))
    assert PUBLISHED[:1] == place.results
    assert [1.0] == list_delays(place)
    first, second = arrivals
    assert second - first >= 1


@pytest.mark.parametrize("status", [429, 503])
def test_the_client_waits_for_the_date_of_retry_after(place: Place, status: int) -> None:
    """If Retry-After contains a date, the client does not retry before this date."""
    arrivals: list[float] = []
    dates: list[int] = []

    def busy_at_first(request: Request) -> Reply:
        arrivals.append(time.time())
        if arrivals[1:]:
            return published_reply(request)
        dates.append(int(time.time()) + 2)  # rounded down to whole seconds, so one to two seconds from now
        return status, b"", {"Retry-After": formatdate(dates[0], usegmt=True)}

    with serving(busy_at_first) as server:
        assert 0 == place.run("calculate", server.url, place.write(LINE))
    assert PUBLISHED[:1] == place.results
    (pause,) = list_delays(place)
    assert pause <= 2
    _first, second = arrivals
    assert second >= dates[0] - 0.05, "the client must not retry before the date"


def test_a_batch_waits_for_the_seconds_of_retry_after(place: Place) -> None:
    """After `Retry-After: 1` the client waits one second and sends the rejected batch again without dividing it."""
    results = [{"result": {name: value for name, value in row.items() if name != "id"}} for row in PUBLISHED[:2]]
    right = (200, orjson.dumps({"response": {"results": results}}))
    replies: Iterator[Reply] = iter([(429, b"", {"Retry-After": "1"}), right])
    rows = [f"{row['id']},{row['married']},{row['children']},{row['salary']}\n" for row in PUBLISHED[:2]]
    with serving(lambda _: next(replies)) as server:
        assert 0 == place.run("calculate", server.url, place.write("".join(rows)), "--batch", "2")
    assert PUBLISHED[:2] == place.results
    assert [1.0] == list_delays(place)


@pytest.mark.parametrize("header", ["0", "-7", "soon", "Wed, 21 Oct 2015 07:28:00 GMT"])
def test_an_unusable_retry_after_gives_the_client_s_own_delay(place: Place, header: str) -> None:
    """If Retry-After is 0, negative, invalid or in the past, the client uses its own delay."""
    with serving(fail_first(lambda _: (503, b"", {"Retry-After": header}))) as server:
        assert 0 == place.run("calculate", server.url, place.write(LINE))
    (pause,) = list_delays(place)
    assert BACKOFF.first / 2 <= pause <= BACKOFF.first


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("header", ["301", "86400", "9" * 50, "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_retry_after_above_five_minutes_prevents_a_retry(place: Place, status: int, header: str) -> None:
    """If Retry-After is longer than five minutes, the client does not retry and lists the taxpayer as failed."""
    with serving(lambda _: (status, b"", {"Retry-After": header})) as server:
        assert 1 == place.run("calculate", server.url, place.write(LINE))
    (_request,), (error,) = server.requests, place.errors
    assert error["reason"].startswith(f"status {status}: ")
    assert [] == list_delays(place)
