"""Tests of the log lines of a request."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from income_tax.http.middleware import request_lines
from income_tax.http.middleware.request_lines import ARRIVAL, RequestLines, RequestLog
from income_tax.service_log import build_request_logger
from tests.support.fakes import FakeClock, Lines

ENVIRON = {"HTTP_X_REQUEST_ID": "12345678", "REMOTE_ADDR": "192.0.2.1"}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    """Replace the clock that measures durations."""
    clock = FakeClock()
    monkeypatch.setattr(request_lines, "perf_counter", clock)
    return clock


class Recorder:
    """A request logger that keeps the events in memory."""

    def __init__(self) -> None:
        self.events: list[tuple[str, Mapping[str, Any], str]] = []

    def __call__(self, event: str, fields: Mapping[str, Any], level: str = "info", /) -> None:
        self.events.append((event, fields, level))


def start(
    recorder: Recorder, headers: Mapping[str, object] | None = None, quiet: bool = False, sampled: bool = True
) -> RequestLines:
    """Log the arrival of a request."""
    return RequestLines(recorder, {**ENVIRON, **(headers or {})}, "index", "GET", "/?x", quiet=quiet, sampled=sampled)


def test_the_duration_begins_at_the_arrival(clock: FakeClock) -> None:
    """The duration is the time since the arrival that the WSGI environment contains, or since the first log line."""
    recorder = Recorder()
    early, now = start(recorder, {ARRIVAL: clock.now - 2}), start(recorder)
    clock.now += 0.12345678
    for lines in (early, now):
        lines.log_answer(200, None, "", "ann")
    assert [2.123456, 0.123456] == [fields["duration"] for event, fields, _ in recorder.events if event == "answer"]


def test_missing_values_are_omitted() -> None:
    """A line has no field for a login name or a version that is missing."""
    recorder = Recorder()
    start(recorder).log_answer(401, None, "no", None)
    ((_, request, _), (_, answer, _)) = recorder.events
    assert {"place": "index", "method": "GET", "url": "/?x", "remote": "192.0.2.1", "request_id": "12345678"} == request
    assert ["place", "status", "duration", "body", "request_id"] == [*answer]


@pytest.mark.parametrize(
    ("quiet", "status", "levels"),
    [(False, 200, ["info", "info"]), (True, 200, ["debug", "debug"]), (True, 503, ["debug", "info"])],
)
def test_levels(quiet: bool, status: int, levels: list[str]) -> None:
    """The lines of a successful quiet request have the level debug. The answers of all others have the level info."""
    recorder = Recorder()
    start(recorder, quiet=quiet).log_answer(status, None, "", None)
    assert levels == [level for _, _, level in recorder.events]


def test_a_login_name_is_escaped_and_not_masked() -> None:
    """JSON escapes control characters in a login name, and MASK_AMOUNTS keeps the digits of login and duration."""
    written = Lines()
    log = build_request_logger(written.write, "json", "info", True)
    RequestLines(log, dict(ENVIRON), "index", "GET", "/?salary=50000").log_answer(
        200, "v7", '{"tax":5000}', "ann2\x85\n"
    )
    _, line = written.written
    record = json.loads(line)
    assert (1, True) == (line.count(b"\n"), line.isascii())
    assert ("ann2\x85\n", '{"tax":*}', True) == (record["login"], record["body"], record["duration"] >= 0)


def test_a_valid_traceparent_gives_both_lines_a_trace_id() -> None:
    """Both lines and the context contain the trace id of a valid header. An invalid header has no effect."""
    recorder, trace = Recorder(), "4bf92f3577b34da6a3ce929d0e0e4736"
    for header in (f"00-{trace}-00f067aa0ba902b7-01", "garbage"):
        lines = start(recorder, {"HTTP_TRACEPARENT": header})
        lines.log_answer(200, None, "", None)
    assert [trace, trace, None, None] == [fields.get("trace_id") for _, fields, _ in recorder.events]
    assert {"request_id": "12345678"} == lines.context


@pytest.mark.parametrize(
    ("status", "events"), [(200, []), (302, []), (400, ["request", "answer"]), (503, ["request", "answer"])]
)
def test_outside_the_sample_only_failed_requests_are_logged(status: int, events: list[str]) -> None:
    """Outside the sample, a request with a status below 400 has no line, and a failed request has both lines."""
    recorder = Recorder()
    is_logged = start(recorder, sampled=False).log_answer(status, None, "", None)
    assert (events, bool(events)) == ([event for event, _, _ in recorder.events], is_logged)


def test_a_released_request_is_logged_completely() -> None:
    """If a request outside the sample is released, both lines are logged once, whatever the status."""
    recorder = Recorder()
    lines = start(recorder, sampled=False)
    lines.release()
    lines.release()
    assert lines.log_answer(200, None, "", None)
    assert ["request", "answer"] == [event for event, _, _ in recorder.events]


def test_a_held_line_has_the_time_of_the_arrival(monkeypatch: pytest.MonkeyPatch) -> None:
    """The line of an arrival that was held back has the time of the arrival, and the fields in the usual order."""
    written = Lines()
    monkeypatch.setattr(request_lines.CLOCK, "now", lambda: "2026-01-01T00:00:00.000000+00:00")
    log = build_request_logger(written.write)
    for sampled in (True, False):
        RequestLines(log, dict(ENVIRON), "index", "GET", "/?x", sampled=sampled).log_answer(400, None, "", None)
    usual, held = (json.loads(line) for line in (written.written[0], written.written[2]))
    assert [*usual] == [*held]
    assert "2026-01-01T00:00:00.000000+00:00" == held["time"] != usual["time"]


def test_the_share_decides_the_sample() -> None:
    """The sample contains a request if a random number from 0 to below 1 is below the share."""
    recorder = Recorder()
    for share, chosen in ((0, 0.0), (0.5, 0.49), (0.5, 0.5), (1, 0.999)):
        RequestLog(recorder, share, iter([chosen]).__next__).start(dict(ENVIRON), f"{share} {chosen}", "GET", "/")
    assert ["0.5 0.49", "1 0.999"] == [fields["place"] for _, fields, _ in recorder.events]
