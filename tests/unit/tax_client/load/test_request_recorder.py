"""Tests of the request recorder: outcomes, retries, latencies and log lines."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from tax_client.load.answer_check import build_body
from tax_client.load.load_plan import Window
from tax_client.load.request_recorder import PendingRequest, RequestRecorder
from tax_client.load.workload import Workload

RESULTS = [{"tax": 1}, {"tax": 2}]
BEGIN, WARM, END = 5.0, 10.0, 20.0  # start of the run, start and end of the measured time


class Recording:
    """A recorder for a workload of two requests, with the log lines that the recorder wrote."""

    def __init__(self, log_each: bool = True, retries: int = 0, is_open: bool = False) -> None:
        self.lines: list[dict[str, Any]] = []
        workload = Workload(["salary=1", "salary=2"], [], [build_body(result) for result in RESULTS], 1)
        self.recorder = RequestRecorder(workload, self._log, log_each, retries, Window(BEGIN, WARM, END), is_open)
        self.request = PendingRequest()

    def _log(self, event: str, fields: Mapping[str, Any], _level: str = "info", /) -> None:
        self.lines.append({"event": event, **fields})

    def answer(
        self, number: int, status: int, body: bytes, due: float = WARM, sent: float = WARM, retry_after: float = 0.0
    ) -> float | None:
        """Record a request and its answer, which arrives half a second after the send."""
        self.recorder.record_start(self.request, (number, due), sent)
        return self.recorder.record_answer(self.request, status, body, 0.5, retry_after)

    def fail(self, number: int, kind: str, seconds: float = 0.1, sent: float = WARM) -> float | None:
        """Record a request and its failure."""
        self.recorder.record_start(self.request, (number, WARM), sent)
        return self.recorder.record_failure(self.request, kind, "expected an answer", seconds)


def test_each_send_has_its_own_id_and_log_line() -> None:
    """Each request id has 32 hexadecimal digits and is unique across recorders."""
    first, second = Recording(), Recording()
    for recording in (first, second):
        for number in range(3):
            recording.answer(number, 200, build_body(RESULTS[number % 2]))
    ids = [line["request_id"] for recording in (first, second) for line in recording.lines]
    assert 6 == len(set(ids))
    assert {32} == {len(each) for each in ids}
    assert int(ids[0], 16) >= 0
    assert {"event": "answer", "place": "flood", "status": 200, "ms": 500.0, "outcome": "right"} == {
        name: value for name, value in first.lines[0].items() if name != "request_id"
    }


def test_a_wrong_answer_is_counted_and_listed_with_its_id_and_query() -> None:
    """A wrong answer appears with the same request id in the list of wrong answers and in the log."""
    recording = Recording(log_each=False)
    recording.answer(0, 200, build_body(RESULTS[0]))
    recording.answer(3, 200, build_body({"tax": 3}))
    counters = recording.recorder.take_counters()
    assert (2, 1, 1, 0) == (counters.sent, counters.right, counters.wrong, counters.failed)
    (wrong,) = counters.wrongs
    (line,) = recording.lines
    assert (3, "salary=2", "tax: expected 2, got 3") == (wrong.number, wrong.query, wrong.difference)
    assert (wrong.request_id, "wrong") == (line["request_id"], line["outcome"])


def test_an_answer_in_another_serialization_is_right_each_time() -> None:
    """The recorder ignores spaces in the JSON of an answer, for the first answer and for later answers."""
    recording = Recording()
    spaced = b'{ "response" : { "result" : { "tax" : 1 } } }'
    for body in (spaced, spaced, build_body(RESULTS[0])):
        recording.answer(0, 200, body)
    assert 3 == recording.recorder.take_counters().right


def test_failures_are_counted_by_kind_with_an_example_of_each() -> None:
    """Each status or network failure is a kind of failure, and each kind has an example with a request id."""
    recording = Recording()
    recording.answer(0, 500, b"oops")
    recording.fail(1, "timeout")
    counters = recording.recorder.take_counters()
    assert Counter({"status 500": 1, "timeout": 1}) == counters.failures
    assert f"timeout: expected an answer (request {recording.request.request_id})" == counters.examples["timeout"]


def test_the_throughput_counts_answers_only() -> None:
    """The throughput includes right answers, wrong answers and error statuses. It excludes refused connections."""
    recording = Recording()
    recording.answer(0, 200, build_body(RESULTS[0]), sent=WARM)
    recording.answer(0, 200, build_body({"tax": 9}), sent=WARM + 3)
    recording.answer(0, 503, b"busy", sent=WARM + 1)
    recording.fail(3, "connection refused")
    counters = recording.recorder.take_counters()
    assert (4, 3, 3) == (counters.sent, counters.answered, counters.measured)
    assert WARM + 3.5 - BEGIN == counters.last


def test_latencies_cover_right_and_wrong_answers_and_timeouts() -> None:
    """The latency of a timeout is the waiting time. Error statuses and other network failures have no latency."""
    recording = Recording(is_open=True)
    recording.answer(0, 200, build_body(RESULTS[0]))
    recording.answer(0, 200, build_body({"tax": 9}))
    recording.answer(0, 503, b"busy")
    recording.answer(0, 200, b"<html>")
    for kind, seconds in (("timeout", 2.0), ("connection refused", 0.001), ("connection lost", 0.001)):
        recording.fail(1, kind, seconds, sent=WARM + 1)
    counters = recording.recorder.take_counters()
    assert (3, 3) == (counters.latencies.total, counters.latencies_from_send.total)
    assert (3000, 2000) == (round(counters.latencies.max, -1), round(counters.latencies_from_send.max, -1))
    assert 500 == round(counters.latencies.percentiles([1])[0], -1)


def test_a_retry_is_counted_separately_and_its_latency_is_the_whole_wait() -> None:
    """A 503 and a right answer 2 s after the first send count as one request, one retry and a latency of 2 s."""
    recording = Recording(retries=1)
    delay = recording.answer(0, 503, b"busy", sent=WARM)
    assert delay is not None
    assert delay > 0
    recording.recorder.record_send(recording.request, WARM + 1.5)
    assert recording.recorder.record_answer(recording.request, 200, build_body(RESULTS[0]), 0.5) is None
    counters = recording.recorder.take_counters()
    assert (1, 1, 0, 1) == (counters.sent, counters.right, counters.failed, counters.retries)
    assert Counter({"status 503": 1}) == counters.retried
    assert 1.99 < counters.latencies.max / 1000 < 2.01
    lines = recording.lines
    assert [("status 503", True), ("right", None)] == [(line["outcome"], line.get("retried")) for line in lines]
    assert 2 == len({line["request_id"] for line in lines})


def test_a_retry_waits_for_retry_after() -> None:
    """A retry waits at least for the time in Retry-After. No retry follows a Retry-After of more than five minutes."""
    recording = Recording(retries=1)
    assert 7 == recording.answer(0, 429, b"busy", retry_after=7)
    assert recording.answer(1, 503, b"busy", retry_after=301) is None
    assert Counter({"status 503": 1}) == recording.recorder.take_counters().failures


def test_the_delay_of_retries_doubles_up_to_a_limit() -> None:
    """The delay begins with 0.1 s, doubles with each retry up to 5 s, and is the same in each run."""
    recording = Recording(retries=8)
    delays = [recording.answer(0, 503, b"busy")]
    for _ in range(7):
        recording.recorder.record_send(recording.request, WARM)
        delays.append(recording.recorder.record_answer(recording.request, 503, b"busy", 0.1))
    assert [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0] == delays


def test_an_unknown_host_is_retried_but_a_lack_of_descriptors_is_not() -> None:
    """An unknown host is transient. A lack of file descriptors is permanent, because the limit is fixed."""
    recording = Recording(retries=1)
    assert recording.fail(0, "unknown host") is not None
    assert recording.fail(1, "no descriptor left") is None


def test_retries_end_at_the_limit() -> None:
    """The recorder counts a failure if a request fails and no retry is left."""
    recording = Recording(retries=1)
    assert recording.answer(0, 503, b"busy") is not None
    recording.recorder.record_send(recording.request, WARM)
    assert recording.recorder.record_answer(recording.request, 503, b"busy", 0.1) is None
    assert Counter({"status 503": 1}) == recording.recorder.take_counters().failures


def test_permanent_failures_are_not_retried() -> None:
    """The recorder counts a 401 or a wrong answer without a retry."""
    recording = Recording(retries=5)
    answers = recording.answer(0, 401, b"no"), recording.answer(0, 200, build_body({"tax": 9}))
    assert (None, None) == answers
    assert 0 == recording.recorder.take_counters().retries


def test_the_warm_up_is_checked_but_not_measured() -> None:
    """Latencies exclude requests due in the warm-up. The throughput excludes answers received in the warm-up."""
    recording = Recording()
    recording.answer(0, 200, build_body(RESULTS[0]), due=WARM - 1, sent=WARM - 1)
    recording.answer(0, 200, build_body({"tax": 9}), due=WARM - 1, sent=WARM + 1)
    recording.answer(0, 200, build_body(RESULTS[0]))
    counters = recording.recorder.take_counters()
    assert (2, 1, 2, 1) == (counters.right, counters.wrong, counters.measured, counters.latencies.total)


def test_answers_after_the_end_are_not_in_the_throughput() -> None:
    """An answer after the planned end or an interruption has a latency, but does not count in the throughput."""
    recording = Recording()
    recording.answer(0, 200, build_body(RESULTS[0]), due=END - 0.1, sent=END - 0.1)
    recording.recorder.stop(WARM + 1)
    recording.answer(0, 200, build_body(RESULTS[0]), sent=WARM + 1)
    recording.answer(0, 200, build_body(RESULTS[0]), sent=WARM)
    counters = recording.recorder.take_counters()
    assert (3, 1, 3) == (counters.answered, counters.measured, counters.latencies.total)


def test_an_open_loop_measures_from_the_schedule_and_from_the_send() -> None:
    """A request that is sent 2 s late and answered after 0.5 s has two latencies, 2.5 s and 0.5 s."""
    recording = Recording(is_open=True)
    recording.answer(0, 200, build_body(RESULTS[0]), due=WARM, sent=WARM + 2)
    counters = recording.recorder.take_counters()
    assert (2500, 500) == (round(counters.latencies.max, -1), round(counters.latencies_from_send.max, -1))


def test_counters_are_taken_once() -> None:
    """After the recorder has returned its counts, it counts from 0 again."""
    recording = Recording()
    recording.answer(0, 200, build_body(RESULTS[0]))
    assert (1, 0) == (recording.recorder.take_counters().right, recording.recorder.take_counters().right)
