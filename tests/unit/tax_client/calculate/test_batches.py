"""Tests of batches of taxpayers: threads, log lines, failures and retries."""

import io
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tax_client.api.request_failures import ApiError
from tax_client.calculate.batches import Batch, BatchCalculator, Failure, Problem, Row, split_into_batches
from tax_client.calculate.ordered_pool import OrderedPool
from tax_client.interruption import SignalQueue
from tax_client.taxpayers.reader import BadLine, Position, Reader, Taxpayer
from tests.unit.tax_client.fakes import TWO_CHILDREN, FakeApi, Result, build_list_log, return_zeros


def build_taxpayers(count: int) -> list[Taxpayer]:
    """Build taxpayers with ids from 1."""
    return [Taxpayer(number, "no", 0, number) for number in range(1, count + 1)]


def build_reader(count: int) -> Reader:
    """Build the reader of a file with `count` taxpayers."""
    return Reader(io.BytesIO(b"".join(b"%d,no,0,%d\n" % (number, number) for number in range(1, count + 1))))


def build_batches(*parts: Sequence[Taxpayer]) -> list[Batch]:
    """Build one batch for each sequence of taxpayers."""
    return [Batch(list(part), Position()) for part in parts]


def collect(batches: Sequence[Batch]) -> tuple[list[Row], list[Problem]]:
    """Return the results and the problems of all batches."""
    collected = [batch.collect() for batch in batches]
    return [row for rows, _ in collected for row in rows], [one for _, problems in collected for one in problems]


def build_rows(*taxpayers: Taxpayer) -> list[Row]:
    """Build results with amounts of 0 for these taxpayers."""
    return [(one.id, asdict(return_zeros(one))) for one in taxpayers]


@given(st.integers(0, 200), st.integers(0, 2**32))
def test_batches_have_one_to_four_taxpayers_in_order(count: int, seed: int) -> None:
    """The split keeps all taxpayers in order and returns batches of 1 to 4 taxpayers."""
    batches = list(split_into_batches(build_reader(count), 0, seed, 10**6))
    assert build_taxpayers(count) == [taxpayer for batch in batches for taxpayer in batch.taxpayers]
    assert {len(batch.lines) for batch in batches} <= {1, 2, 3, 4}


def test_a_seed_repeats_its_batches_and_seeds_differ() -> None:
    """A seed always gives the same split. Twenty seeds give different splits, and batches of all sizes from 1 to 4."""
    splits = [[batch.taxpayers for batch in split_into_batches(build_reader(40), 0, seed, 10**6)] for seed in range(20)]
    assert splits[3] == [batch.taxpayers for batch in split_into_batches(build_reader(40), 0, 3, 10**6)]
    assert {1, 2, 3, 4} == {len(batch) for batches in splits for batch in batches}
    assert len({str(batches) for batches in splits}) > 1


def test_batches_have_the_given_size_and_include_bad_lines() -> None:
    """A batch has at most the requested number of taxpayers. It includes bad lines and records its end position."""
    content = b"1,no,0,1\nbad\n2,no,0,2\n3,no,0,3\nworse\n"
    first, second = split_into_batches(Reader(io.BytesIO(content)), 2, None, 2)
    assert [(2, 3, True), (1, 2, False)] == [(len(b.taxpayers), len(b.lines), b.is_logged) for b in (first, second)]
    assert [Position(content.index(b"3,no"), 3), Position(len(content), 5)] == [first.end, second.end]


def run(calculator: BatchCalculator, batches: Sequence[Batch], size: int = 64) -> None:
    """Calculate the batches with up to `size` threads."""
    done = OrderedPool(calculator.calculate, size, SignalQueue(), calculator.retrier.stopped.set).run(iter(batches))
    assert list(batches) == list(done)


def get_subject(event: dict[str, Any]) -> int:
    """Return the number of taxpayers for a thread's event, and the taxpayer's id for a calculation's event."""
    subject: int | dict[str, int] = event.get("taxpayers") or event.get("taxpayer") or event["result"]
    return subject if isinstance(subject, int) else subject["id"]


def test_each_batch_has_its_thread_and_its_log_lines() -> None:
    """Each thread logs its start, its number of taxpayers, each calculation, and its end."""
    log, events = build_list_log()
    one, two, three = build_taxpayers(3)
    run(BatchCalculator(FakeApi(return_zeros), log), build_batches([one, two], [three]))
    lines = [
        (event["thread"], event["event"], get_subject(event)) for event in events if event["event"] != "thread_end"
    ]
    assert [
        ("Thread-1", "thread_start", 2),
        ("Thread-1", "calculation_start", 1),
        ("Thread-1", "calculation_end", 1),
        ("Thread-1", "calculation_start", 2),
        ("Thread-1", "calculation_end", 2),
        ("Thread-2", "thread_start", 1),
        ("Thread-2", "calculation_start", 3),
        ("Thread-2", "calculation_end", 3),
    ] == sorted(lines, key=lambda line: line[0])
    assert ["Thread-1", "Thread-2"] == sorted(e["thread"] for e in events if e["event"] == "thread_end")


def test_a_request_has_one_id_in_its_log_lines_and_in_the_api() -> None:
    """The log lines of a calculation have its request id, and other log lines have no request id."""
    log, events = build_list_log()
    api = FakeApi(return_zeros)
    run(BatchCalculator(api, log), build_batches(build_taxpayers(2)))
    lines = [event.get("request_id") for event in events]
    first, second = api.request_ids
    assert [None, first, first, second, second, None] == lines
    assert [32, 32] == [len(bytes.fromhex(request_id).hex()) for request_id in (first, second)]


def test_one_failure_stops_no_other_taxpayer() -> None:
    """An ApiError or a bug affects only its own taxpayer, and the failure has a reason and a request id."""
    log, events = build_list_log()

    def fail_for_two(taxpayer: Taxpayer) -> Result:
        if taxpayer.id == 2:
            raise ApiError("timeout", "no answer")
        if taxpayer.id == 3:
            raise ZeroDivisionError("secret detail")
        return return_zeros(taxpayer)

    api = FakeApi(fail_for_two)
    batches = build_batches(build_taxpayers(4))
    run(BatchCalculator(api, log), batches)
    bug = "unexpected failure: ZeroDivisionError: search the client's log for the request's id"
    one, *_, four = build_taxpayers(4)
    failures = [Failure(2, "timeout: no answer", api.request_ids[1]), Failure(3, bug, api.request_ids[2])]
    assert (build_rows(one, four), failures) == collect(batches)
    assert ["warning", "warning"] == [e["level"] for e in events if e["event"] == "calculation_failure"]
    assert ["error"] == [e["level"] for e in events if e["event"] == "unexpected_failure"]


def test_a_limit_bounds_the_number_of_threads() -> None:
    """With a limit of two threads, the pool calculates ten batches in two threads."""
    log, events = build_list_log()
    batches = build_batches(*[[taxpayer] for taxpayer in build_taxpayers(10)])
    run(BatchCalculator(FakeApi(return_zeros), log), batches, size=2)
    assert (build_rows(*build_taxpayers(10)), []) == collect(batches)
    assert {"Thread-1", "Thread-2"} == {event["thread"] for event in events}
    assert 10 == sum(event["event"] == "thread_start" for event in events)


def test_a_stopped_calculation_lists_the_rest_as_interrupted() -> None:
    """After a stop no request is sent, and each taxpayer without a request fails as interrupted."""
    log, _events = build_list_log()

    def stop_at_two(taxpayer: Taxpayer) -> Result:
        if taxpayer.id == 2:
            calculator.retrier.stopped.set()
        return return_zeros(taxpayer)

    api = FakeApi(stop_at_two)
    calculator = BatchCalculator(api, log)
    batches = build_batches(build_taxpayers(3), [TWO_CHILDREN])
    run(calculator, batches, size=1)
    rows, (three, _four) = collect(batches)
    assert build_rows(*build_taxpayers(2)) == rows
    assert isinstance(three, Failure)
    assert ("interrupted", None) == (three.reason.split(":")[0], three.request_id)
    assert 2 == len(api.request_ids)


def test_a_batch_is_one_request_and_each_taxpayer_has_its_own_outcome() -> None:
    """A batch is one request. If a taxpayer is rejected, the others succeed. Problems are in the order of the lines."""
    log, events = build_list_log()

    def reject_the_second(taxpayer: Taxpayer) -> Result:
        if taxpayer.id == 2:
            raise ApiError("refused", "no such year")
        return return_zeros(taxpayer)

    api = FakeApi(reject_the_second)
    one, two, three = build_taxpayers(3)
    bad = BadLine(2, "x", "expected more")
    batches = [Batch([one, bad, two, three], Position())]
    run(BatchCalculator(api, log, in_batches=True), batches)
    (request_id,) = api.request_ids
    failure = Failure(2, "refused: no such year", request_id)
    assert (build_rows(one, three), [bad, failure]) == collect(batches)
    assert ["thread_start", "batch_start", "batch_end", "thread_end"] == [event["event"] for event in events]


def test_a_transient_failure_is_retried_under_a_new_id() -> None:
    """A 503 is retried up to the limit, with a new request id each time, and a 400 is not retried."""
    log, events = build_list_log()
    kinds = {1: ["status 503", "connection lost"], 2: ["status 400"], 3: ["status 503"] * 3}

    def fail(taxpayer: Taxpayer) -> Result:
        if left := kinds[taxpayer.id]:
            raise ApiError(left.pop(), "no")
        return return_zeros(taxpayer)

    api = FakeApi(fail)
    batches = build_batches(*[[one] for one in build_taxpayers(3)])
    run(BatchCalculator(api, log, retries=2), batches, size=3)
    rows, problems = collect(batches)
    assert build_rows(build_taxpayers(1)[0]) == rows
    assert [2, 3] == [problem.id for problem in problems if isinstance(problem, Failure)]
    assert 3 + 1 + 3 == len(api.request_ids) == len(set(api.request_ids))
    assert 4 == sum(event["event"] == "retry" for event in events)


def test_a_retry_waits_as_long_as_the_server_asks() -> None:
    """The delay before a retry is the time in Retry-After. If this time is an hour, no retry follows."""
    log, events = build_list_log()
    asked = {1: [0.25], 2: [3600.0]}

    def be_busy(taxpayer: Taxpayer) -> Result:
        if left := asked[taxpayer.id]:
            raise ApiError("status 429", "slow down", left.pop())
        return return_zeros(taxpayer)

    batches = build_batches(*[[one] for one in build_taxpayers(2)])
    run(BatchCalculator(FakeApi(be_busy), log, retries=3), batches)
    rows, problems = collect(batches)
    assert ([1], 1) == ([number for number, _ in rows], len(problems))
    assert [0.25] == [event["seconds"] for event in events if event["event"] == "retry"]


def test_a_stop_ends_the_wait_before_a_retry() -> None:
    """A stop ends the delay immediately, and the taxpayer fails with the reason of the last failure."""
    log, events = build_list_log()

    def fail(_taxpayer: Taxpayer) -> Result:
        calculator.retrier.stopped.set()
        raise ApiError("status 503", "down", 200.0)

    calculator = BatchCalculator(FakeApi(fail), log, retries=3)
    batches = build_batches(build_taxpayers(1))
    run(calculator, batches)
    rows, (failure,) = collect(batches)
    assert [] == rows
    assert isinstance(failure, Failure)
    assert "status 503: down" == failure.reason
    assert [] == [event for event in events if event["event"] == "retry"]
