"""The parts of a log line, with a fake clock."""

import json
import os
import socket
import threading
import time
from datetime import datetime
from typing import Any

import pytest

from tax_common.logs.amount_masking import build_masking_processor, mask_amounts
from tax_common.logs.log_lines import Clock, build_origin_processor, build_text_renderer, render_json

SENTENCES = {"done": "done with {what} in {n}", "told": "told {data}"}
WHEN = "2020-07-24T10:05:20.969132+02:00"


@pytest.fixture
def zone(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Set a time zone other than UTC for one test."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Europe/Paris")
        time.tzset()
        yield
    time.tzset()


def test_the_time_of_a_line(zone: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The time of a line has six decimals and the zone's offset, even after the second changes."""
    clock, nanoseconds = Clock(), 1_595_577_920_000_000_000
    for more, wanted in (
        (969_132_999, "2020-07-24T10:05:20.969132+02:00"),
        (7_001, "2020-07-24T10:05:20.000007+02:00"),
        (1_000_000_000, "2020-07-24T10:05:21.000000+02:00"),
    ):
        monkeypatch.setattr(time, "time_ns", lambda now=nanoseconds + more: now)
        assert wanted == clock.now()


@pytest.mark.parametrize("second", [0, 1])
def test_the_first_seconds_of_the_epoch(zone: None, monkeypatch: pytest.MonkeyPatch, second: int) -> None:
    """In the first seconds of the epoch, the time of a line is valid."""
    monkeypatch.setattr(time, "time_ns", lambda: second * 10**9)
    assert ["1970-01-01T01:00:01.000000+01:00"] * second == [Clock().now()] * second


def stamp(level: str, event: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a log line of the API."""
    stamped = build_origin_processor("api")(None, level, event)
    assert isinstance(stamped, dict)
    return stamped


def test_origin_of_a_line() -> None:
    """A line begins with time, level, service, host, process and thread. An event can override one of these fields."""
    stamped = stamp("warning", {"event": "it", "n": 1})
    assert datetime.fromisoformat(stamped.pop("time")).tzinfo is not None
    assert [
        ("level", "warning"),
        ("service", "api"),
        ("host", socket.gethostname()),
        ("pid", os.getpid()),
        ("thread", threading.current_thread().name),
        ("event", "it"),
        ("n", 1),
    ] == list(stamped.items())
    assert "other" == stamp("info", {"event": "it", "thread": "other"})["thread"]


class Odd:
    """Object that JSON cannot represent."""

    def __str__(self) -> str:
        return "odd"


@pytest.mark.parametrize(
    ("event", "line"),
    [
        ({"a": 1}, b'{"a":1}\n'),
        ({"a": Odd()}, b'{"a":"odd"}\n'),
        ({"a": "é"}, b'{"a": "\\u00e9"}\n'),
        ({"a": "\ud800"}, b'{"a": "\\ud800"}\n'),
        ({"a": 2**70, "b": Odd()}, b'{"a": 1180591620717411303424, "b": "odd"}\n'),
    ],
    ids=["plain", "odd", "not ASCII", "lone surrogate", "large number and odd object"],
)
def test_a_line_of_json(event: dict[str, Any], line: bytes) -> None:
    """Any event becomes one line with a JSON object in ASCII."""
    assert line == render_json(None, "info", event)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"event": "done", "what": "it", "n": 2, "place": "run"}, "[run] done with it in 2"),
        ({"event": "done", "what": "it", "n": 2}, "[main] done with it in 2"),
        ({"event": "told", "data": {"a": "é"}}, '[main] told {"a": "\\u00e9"}'),
        ({"event": "other", "a": "x", "b": 2}, "[main] other a=x b=2"),
        ({"event": "other", "service": "s", "host": "h", "pid": 1, "level": "info"}, "[main] other"),
        ({"event": "other", "request_id": "id-1", "a": 1}, "[main] other a=1 (id-1)"),
        ({"event": "other", "exception": "Trace\nE"}, "[main] other Trace\\x0aE"),
        ({"event": "other", "request_id": "id-1", "exception": "E"}, "[main] other (id-1) E"),
        ({"event": "other", "a": "\ud800"}, "[main] other a=\\ud800"),
    ],
)
def test_a_line_of_text(fields: dict[str, Any], message: str) -> None:
    """A text line has date, time, thread, place, message, request id and traceback. Without a message it has fields."""
    line = build_text_renderer(SENTENCES)(None, "info", {"time": WHEN, "thread": "Thread-2", **fields})
    assert f"2020-07-24 10:05:20.969132, Thread-2: {message}\n".encode() == line


def test_masked_values() -> None:
    """Numbers in texts and mappings are masked, and other values stay unchanged."""
    assert ("a * b", {"id": 7, "n": "*", "text": "x *"}, 12) == (
        mask_amounts("a 12 b"),
        mask_amounts({"id": 7, "n": 12, "text": "x 3"}),
        mask_amounts(12),
    )


@pytest.mark.parametrize(
    ("place", "request_id", "hidden"),
    [("main", None, False), ("index", None, True), (None, None, True), ("main", "id-1", True)],
)
def test_masked_fields_of_a_line(place: str | None, request_id: str | None, hidden: bool) -> None:
    """Fields that quote a request are always masked. Errors are masked only if they can quote a request."""
    given = dict.fromkeys(("url", "body", "taxpayer", "result", "text", "reason", "exception", "other"), "a 12")
    fields = {name: value for name, value in (("place", place), ("request_id", request_id)) if value}
    event = build_masking_processor(["main"])(None, "info", {**given, **fields})
    personal = dict.fromkeys(("url", "body", "taxpayer", "result", "text"), "a *")
    quoting = dict.fromkeys(("reason", "exception"), "a *" if hidden else "a 12")
    assert {**personal, **quoting, "other": "a 12", **fields} == json.loads(json.dumps(event))
