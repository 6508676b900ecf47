"""The account of a flood: what each request came to, what is sent again, what the log says."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from tax_client.load.answer_check import body_of
from tax_client.load.plan import Window
from tax_client.load.request_recorder import Account, Call
from tax_client.load.workload import Workload

RESULTS = [{"tax": 1}, {"tax": 2}]
BEGIN, WARM, END = 5.0, 10.0, 20.0  # of the run, of its figures, and their end


class Told:
    """An account with two requests in its workload, and the lines it wrote."""

    def __init__(self, say_each: bool = True, retries: int = 0, is_open: bool = False) -> None:
        self.lines: list[dict[str, Any]] = []
        workload = Workload(["salary=1", "salary=2"], [], [body_of(result) for result in RESULTS], 1)
        self.account = Account(workload, self._say, say_each, retries, Window(BEGIN, WARM, END), is_open)
        self.call = Call()

    def _say(self, event: str, fields: Mapping[str, Any]) -> None:
        self.lines.append({"event": event, **fields})

    def ask(
        self, number: int, status: int, body: bytes, due: float = WARM, sent: float = WARM, asked: float = 0.0
    ) -> float | None:
        """Send a request and give it that answer, half a second later."""
        self.account.begin(self.call, (number, due), sent)
        return self.account.answered(self.call, status, body, 0.5, asked)


def test_each_sending_has_an_id_of_its_own_and_a_line() -> None:
    """Ids are 32 hexadecimal digits, none twice, not even in another process's account."""
    first, second = Told(), Told()
    for told in (first, second):
        for number in range(3):
            told.ask(number, 200, body_of(RESULTS[number % 2]))
    ids = [line["request_id"] for told in (first, second) for line in told.lines]
    assert 6 == len(set(ids))
    assert {32} == {len(each) for each in ids}
    assert int(ids[0], 16) >= 0
    assert {"event": "answer", "place": "flood", "status": 200, "ms": 500.0, "outcome": "right"} == {
        name: value for name, value in first.lines[0].items() if name != "request_id"
    }


def test_a_wrong_answer_is_counted_and_listed_with_its_id_and_query() -> None:
    """The second request of the workload, one euro off, is listed as such."""
    told = Told(say_each=False)
    told.ask(0, 200, body_of(RESULTS[0]))
    told.ask(3, 200, body_of({"tax": 3}))
    news = told.account.news()
    assert (2, 1, 1, 0) == (news.sent, news.right, news.wrong, news.failed)
    (wrong,) = news.wrongs
    (line,) = told.lines
    assert (3, "salary=2", "tax: expected 2, got 3") == (wrong.number, wrong.query, wrong.difference)
    assert (wrong.request_id, "wrong") == (line["request_id"], line["outcome"])


def test_an_answer_in_another_spelling_is_right_each_time() -> None:
    """Spaces in the JSON change nothing, whether the spelling is new or known by then."""
    told = Told()
    spaced = b'{ "response" : { "result" : { "tax" : 1 } } }'
    for body in (spaced, spaced, body_of(RESULTS[0])):
        told.ask(0, 200, body)
    assert 3 == told.account.news().right


def test_failures_are_counted_by_kind_with_an_example_of_each() -> None:
    """Kinds of status and of lost connections stand side by side; the example names a request."""
    told = Told()
    told.ask(0, 500, b"oops")
    told.account.begin(told.call, (1, WARM), WARM)
    told.account.failed(told.call, "timeout", "expected an answer", 0.1)
    news = told.account.news()
    assert Counter({"status 500": 1, "timeout": 1}) == news.failures
    assert f"timeout: expected an answer (request {told.call.request_id})" == news.examples["timeout"]


def test_the_throughput_counts_answers_alone() -> None:
    """A right one, a wrong one and a status count, each as it came; a refused connection is no answer."""
    told = Told()
    told.ask(0, 200, body_of(RESULTS[0]), sent=WARM)
    told.ask(0, 200, body_of({"tax": 9}), sent=WARM + 3)
    told.ask(0, 503, b"busy", sent=WARM + 1)
    told.account.begin(told.call, (3, WARM), WARM)
    told.account.failed(told.call, "connection refused", "expected a server", 0.1)
    news = told.account.news()
    assert (4, 3, 3) == (news.sent, news.answered, news.measured)
    assert WARM + 3.5 - BEGIN == news.last


def test_latencies_are_of_right_and_wrong_answers_and_of_time_outs() -> None:
    """A time-out took as long as it was waited for; a fast refusal, by a status or by the network, does not count."""
    told = Told(is_open=True)
    told.ask(0, 200, body_of(RESULTS[0]))
    told.ask(0, 200, body_of({"tax": 9}))
    told.ask(0, 503, b"busy")
    told.ask(0, 200, b"<html>")
    for kind, seconds in (("timeout", 2.0), ("connection refused", 0.001), ("connection lost", 0.001)):
        told.account.begin(told.call, (1, WARM), WARM + 1)
        told.account.failed(told.call, kind, "expected an answer", seconds)
    news = told.account.news()
    assert (3, 3) == (news.latencies.total, news.unpaced.total)
    assert (3000, 2000) == (round(news.latencies.max, -1), round(news.unpaced.max, -1))
    assert 500 == round(news.latencies.percentiles([1])[0], -1)


def test_a_retry_is_counted_apart_and_its_latency_is_the_whole_wait() -> None:
    """A 503, then the right answer 2 s after the first sending: one request, one retry, right, 2 s, two lines."""
    told = Told(retries=1)
    delay = told.ask(0, 503, b"busy", sent=WARM)
    assert delay is not None
    assert delay > 0
    told.account.send(told.call, WARM + 1.5)
    assert told.account.answered(told.call, 200, body_of(RESULTS[0]), 0.5) is None
    news = told.account.news()
    assert (1, 1, 0, 1) == (news.sent, news.right, news.failed, news.retries)
    assert Counter({"status 503": 1}) == news.retried
    assert 1.99 < news.latencies.max / 1000 < 2.01
    assert [("status 503", True), ("right", None)] == [(line["outcome"], line.get("retried")) for line in told.lines]
    assert 2 == len({line["request_id"] for line in told.lines})


def test_a_retry_waits_as_long_as_the_server_asks() -> None:
    """Retry-After is the least that a retry waits; who asks for more than five minutes is not asked again."""
    told = Told(retries=1)
    assert 7 == told.ask(0, 429, b"busy", asked=7)
    assert told.ask(1, 503, b"busy", asked=301) is None
    assert Counter({"status 503": 1}) == told.account.news().failures


def test_a_host_that_is_unknown_for_a_moment_is_tried_again() -> None:
    """A name server that fails may answer a moment later; a client that may open no more files may not."""
    told = Told(retries=1)
    told.account.begin(told.call, (0, WARM), WARM)
    assert told.account.failed(told.call, "unknown host", "expected a host", 0.1) is not None
    told.account.begin(told.call, (1, WARM), WARM)
    assert told.account.failed(told.call, "no descriptor left", "raise its limit", 0.1) is None


def test_retries_end() -> None:
    """After the last retry the failure counts."""
    told = Told(retries=1)
    assert told.ask(0, 503, b"busy") is not None
    told.account.send(told.call, WARM)
    assert told.account.answered(told.call, 503, b"busy", 0.1) is None
    assert Counter({"status 503": 1}) == told.account.news().failures


def test_what_would_come_out_the_same_is_not_tried_again() -> None:
    """A 401 or a wrong answer stays what it is, whatever the retries."""
    told = Told(retries=5)
    assert (None, None) == (told.ask(0, 401, b"no"), told.ask(0, 200, body_of({"tax": 9})))
    assert 0 == told.account.news().retries


def test_the_warm_up_is_checked_but_not_measured() -> None:
    """What was due before it ended has no latency, what was answered before is not in the throughput."""
    told = Told()
    told.ask(0, 200, body_of(RESULTS[0]), due=WARM - 1, sent=WARM - 1)
    told.ask(0, 200, body_of({"tax": 9}), due=WARM - 1, sent=WARM + 1)
    told.ask(0, 200, body_of(RESULTS[0]))
    news = told.account.news()
    assert (2, 1, 2, 1) == (news.right, news.wrong, news.measured, news.latencies.total)


def test_what_is_answered_after_the_end_is_not_in_the_throughput() -> None:
    """Who was due before has a latency, but the time of the throughput is over; so it is after an interruption."""
    told = Told()
    told.ask(0, 200, body_of(RESULTS[0]), due=END - 0.1, sent=END - 0.1)
    told.account.stop(WARM + 1)
    told.ask(0, 200, body_of(RESULTS[0]), sent=WARM + 1)
    told.ask(0, 200, body_of(RESULTS[0]), sent=WARM)
    news = told.account.news()
    assert (3, 1, 3) == (news.answered, news.measured, news.latencies.total)


def test_an_open_loop_counts_from_the_schedule_and_from_the_sending() -> None:
    """A request that was sent 2 s late and answered in half a second took 2.5 s, and half a second."""
    told = Told(is_open=True)
    told.ask(0, 200, body_of(RESULTS[0]), due=WARM, sent=WARM + 2)
    news = told.account.news()
    assert (2500, 500) == (round(news.latencies.max, -1), round(news.unpaced.max, -1))


def test_news_are_told_once() -> None:
    """What was told is not told again."""
    told = Told()
    told.ask(0, 200, body_of(RESULTS[0]))
    assert (1, 0) == (told.account.news().right, told.account.news().right)
