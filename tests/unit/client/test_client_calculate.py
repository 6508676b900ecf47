"""Groups of taxpayers, the threads that calculate them, their log lines and their retries."""

import io
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tax_client.api.responses import ApiError
from tax_client.calculate.batches import Failure, Group, split
from tax_client.calculate.ordered_pool import Conveyor
from tax_client.calculate.worker import Calculation
from tax_client.interruption import News
from tax_client.taxpayers.reader import BadLine, Position, Reader, Taxpayer
from tests.unit.client.fakes import TWO_CHILDREN, FakeApi, Result, list_log, untaxed


def taxpayers(count: int) -> list[Taxpayer]:
    """Taxpayers with ids from 1."""
    return [Taxpayer(number, "no", 0, number) for number in range(1, count + 1)]


def read(count: int) -> Reader:
    """A file of that many taxpayers."""
    return Reader(io.BytesIO(b"".join(b"%d,no,0,%d\n" % (number, number) for number in range(1, count + 1))))


def groups_of(*parts: Sequence[Taxpayer]) -> list[Group]:
    """Groups of these taxpayers."""
    return [Group(list(part), Position()) for part in parts]


def outcomes(groups: Sequence[Group]) -> list[Any]:
    """What became of all lines of groups."""
    return [outcome for group in groups for outcome in group.results()]


def calculated(*ones: Taxpayer) -> list[tuple[int, dict[str, Any]]]:
    """Results with all amounts 0."""
    return [(one.id, asdict(untaxed(one))) for one in ones]


@given(st.integers(0, 200), st.integers(0, 2**32))
def test_groups_have_one_to_four_taxpayers_in_order(count: int, seed: int) -> None:
    """Splitting loses nobody, keeps the order, and makes groups of 1 to 4."""
    groups = list(split(read(count), 0, seed, 10**6))
    assert taxpayers(count) == [taxpayer for group in groups for taxpayer in group.taxpayers]
    assert {len(group.lines) for group in groups} <= {1, 2, 3, 4}


def test_the_same_seed_makes_the_same_groups_and_seeds_differ() -> None:
    """A seed repeats its split; over twenty seeds, sizes 1 to 4 all occur."""
    splits = [[group.taxpayers for group in split(read(40), 0, seed, 10**6)] for seed in range(20)]
    assert splits[3] == [group.taxpayers for group in split(read(40), 0, 3, 10**6)]
    assert {1, 2, 3, 4} == {len(group) for groups in splits for group in groups}
    assert len({str(groups) for groups in splits}) > 1


def test_batches_have_their_size_and_bad_lines_go_along() -> None:
    """Batches hold as many taxpayers as was asked for, the bad lines between them, and know where they end."""
    content = b"1,no,0,1\nbad\n2,no,0,2\n3,no,0,3\nworse\n"
    first, second = split(Reader(io.BytesIO(content)), 2, None, 2)
    assert [(2, 3, True), (1, 2, False)] == [(len(g.taxpayers), len(g.lines), g.logged) for g in (first, second)]
    assert [Position(content.index(b"3,no"), 3), Position(len(content), 5)] == [first.end, second.end]


def run(calculation: Calculation, groups: Sequence[Group], size: int = 64) -> None:
    """Calculate the groups with threads."""
    done = Conveyor(calculation.calculate, size, News(), calculation.stop).run(iter(groups))
    assert list(groups) == list(done)


def subject(event: dict[str, Any]) -> int:
    """The number of taxpayers that an event tells, or the id of the one it is about."""
    told: int | dict[str, int] = event.get("taxpayers") or event.get("taxpayer") or event["result"]
    return told if isinstance(told, int) else told["id"]


def test_each_group_has_its_thread_and_its_lines() -> None:
    """The log tells, thread by thread, its start with its taxpayers, each calculation, its end."""
    log, events = list_log()
    one, two, three = taxpayers(3)
    run(Calculation(FakeApi(untaxed), log), groups_of([one, two], [three]))
    lines = [(event["thread"], event["event"], subject(event)) for event in events if event["event"] != "thread_end"]
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


def test_a_request_has_one_id_in_all_its_lines_and_in_the_api() -> None:
    """The lines of a calculation carry the id that was sent, and no other line carries one."""
    log, events = list_log()
    api = FakeApi(untaxed)
    run(Calculation(api, log), groups_of(taxpayers(2)))
    lines = [event.get("request_id") for event in events]
    first, second = api.request_ids
    assert [None, first, first, second, second, None] == lines
    assert [32, 32] == [len(bytes.fromhex(request_id).hex()) for request_id in (first, second)]


def test_one_failure_stops_no_other_taxpayer() -> None:
    """An ApiError and a bug are each one taxpayer's failure, with reason and id; the others are calculated."""
    log, events = list_log()

    def troubled(taxpayer: Taxpayer) -> Result:
        if taxpayer.id == 2:
            raise ApiError("timeout", "no answer")
        if taxpayer.id == 3:
            raise ZeroDivisionError("secret detail")
        return untaxed(taxpayer)

    api = FakeApi(troubled)
    groups = groups_of(taxpayers(4))
    run(Calculation(api, log), groups)
    bug = "unexpected failure: ZeroDivisionError: find the request's id in the client's log"
    one, *_, four = taxpayers(4)
    assert [
        *calculated(one),
        Failure(2, "timeout: no answer", api.request_ids[1]),
        Failure(3, bug, api.request_ids[2]),
        *calculated(four),
    ] == outcomes(groups)
    assert ["warning", "warning"] == [e["level"] for e in events if e["event"] == "calculation_failure"]
    assert ["error"] == [e["level"] for e in events if e["event"] == "unexpected_failure"]


def test_beyond_the_limit_a_fixed_pool_takes_the_groups_in_turn() -> None:
    """Ten groups over two threads are all calculated, by those two threads alone."""
    log, events = list_log()
    groups = groups_of(*[[taxpayer] for taxpayer in taxpayers(10)])
    run(Calculation(FakeApi(untaxed), log), groups, size=2)
    assert calculated(*taxpayers(10)) == outcomes(groups)
    assert {"Thread-1", "Thread-2"} == {event["thread"] for event in events}
    assert 10 == sum(event["event"] == "thread_start" for event in events)


def test_a_stopped_calculation_lists_the_rest_as_interrupted() -> None:
    """After a stop no request starts; who has no outcome is listed, with an id when a request was sent."""
    log, _events = list_log()

    def stop_at_two(taxpayer: Taxpayer) -> Result:
        if taxpayer.id == 2:
            calculation.stop()
        return untaxed(taxpayer)

    api = FakeApi(stop_at_two)
    calculation = Calculation(api, log)
    groups = groups_of(taxpayers(3), [TWO_CHILDREN])
    run(calculation, groups, size=1)
    one, two, three, _four = outcomes(groups)
    assert calculated(*taxpayers(2)) == [one, two]
    assert isinstance(three, Failure)
    assert ("interrupted", None) == (three.reason.split(":")[0], three.request_id)
    assert 2 == len(api.request_ids)


def test_a_batch_is_one_request_and_each_taxpayer_has_its_own_outcome() -> None:
    """A batch sends one request; who is refused fails alone, and bad lines stay where they were."""
    log, events = list_log()

    def troubled(taxpayer: Taxpayer) -> Result:
        if taxpayer.id == 2:
            raise ApiError("refused", "no such year")
        return untaxed(taxpayer)

    api = FakeApi(troubled)
    one, two, three = taxpayers(3)
    bad = BadLine(2, "x", "expected more")
    groups = [Group([one, bad, two, three], Position())]
    run(Calculation(api, log, in_batches=True), groups)
    (request_id,) = api.request_ids
    failure = Failure(2, "refused: no such year", request_id)
    assert [*calculated(one), bad, failure, *calculated(three)] == outcomes(groups)
    assert ["thread_start", "batch_start", "batch_end", "thread_end"] == [event["event"] for event in events]


def test_a_passing_failure_is_tried_again_with_an_id_of_its_own() -> None:
    """A 503 is retried as often as allowed, each request with a new id; a 400 is not."""
    log, events = list_log()
    kinds = {1: ["status 503", "connection lost"], 2: ["status 400"], 3: ["status 503"] * 3}

    def troubled(taxpayer: Taxpayer) -> Result:
        if left := kinds[taxpayer.id]:
            raise ApiError(left.pop(), "no")
        return untaxed(taxpayer)

    api = FakeApi(troubled)
    groups = groups_of(*[[one] for one in taxpayers(3)])
    run(Calculation(api, log, retries=2), groups, size=3)
    one, two, three = outcomes(groups)
    assert calculated(taxpayers(1)[0]) == [one]
    assert [True, True] == [isinstance(outcome, Failure) for outcome in (two, three)]
    assert 3 + 1 + 3 == len(api.request_ids) == len(set(api.request_ids))
    assert 4 == sum(event["event"] == "retry" for event in events)


def test_a_server_is_given_the_time_it_asks_for() -> None:
    """The pause before a retry is at least what Retry-After says; a server that wants minutes is not asked again."""
    log, events = list_log()
    asked = {1: [0.25], 2: [3600.0]}

    def busy(taxpayer: Taxpayer) -> Result:
        if left := asked[taxpayer.id]:
            raise ApiError("status 429", "slow down", left.pop())
        return untaxed(taxpayer)

    groups = groups_of(*[[one] for one in taxpayers(2)])
    run(Calculation(FakeApi(busy), log, retries=3), groups)
    assert [True, False] == [isinstance(outcome, tuple) for outcome in outcomes(groups)]
    assert [0.25] == [event["seconds"] for event in events if event["event"] == "retry"]


def test_a_stop_ends_the_wait_before_a_retry() -> None:
    """Whoever interrupts does not wait for a pause to end; the last failure is what is told."""
    log, events = list_log()

    def down(_taxpayer: Taxpayer) -> Result:
        calculation.stop()
        raise ApiError("status 503", "down", 200.0)

    calculation = Calculation(FakeApi(down), log, retries=3)
    groups = groups_of(taxpayers(1))
    run(calculation, groups)
    assert ["status 503: down"] == [outcome.reason for outcome in outcomes(groups)]
    assert [] == [event for event in events if event["event"] == "retry"]
