"""Tests of the due times of requests in closed and open loops."""

import itertools
import math

import pytest

from tax_client.load.arrival_schedule import (
    NEVER,
    ClosedLoop,
    OpenLoop,
    compute_arrival_time,
    schedule_constant,
    schedule_poisson,
)


def test_a_closed_loop_returns_a_number_at_once() -> None:
    """A closed loop returns request numbers that are due immediately, until no number is left."""
    loop = ClosedLoop(iter(range(2)), NEVER)
    assert [(0, 5.0), (1, 6.0), None] == [loop.take(5.0), loop.take(6.0), loop.take(7.0)]
    assert loop.is_over(7.0)


def test_a_closed_loop_ends_when_its_time_is_over() -> None:
    """A closed loop returns no number after its duration, even if numbers are left."""
    loop = ClosedLoop(itertools.count(), 10.0)
    assert (0, 9.9) == loop.take(9.9)
    assert loop.take(10.0) is None
    assert loop.is_over(10.0)


def test_a_stopped_closed_loop_returns_no_number() -> None:
    """A closed loop returns no number after a stop, even if numbers are left."""
    loop = ClosedLoop(itertools.count(), NEVER)
    assert (0, 5.0) == loop.take(5.0)
    assert 0 == loop.stop(6.0)
    assert loop.take(7.0) is None
    assert loop.is_over(7.0)


def test_an_open_loop_keeps_its_schedule() -> None:
    """At 4 requests/s, a request is due every 0.25 s, even if earlier requests are late."""
    loop = OpenLoop(schedule_constant(iter(range(4)), 4.0, 0.0, 100.0), NEVER)
    assert (0, 100.0) == loop.take(100.0)
    assert loop.take(100.2) is None
    assert 100.25 == loop.next_due
    assert [(1, 100.25), (2, 100.5), None] == [loop.take(100.6) for _ in range(3)]
    assert 1 == loop.stop(100.8)
    assert loop.is_over(100.8)


def test_arrivals_after_the_end_are_never_due() -> None:
    """An open loop of 4 requests/s that ends after 1 s has four arrivals."""
    loop = OpenLoop(schedule_constant(itertools.count(), 4.0, 0.0, 0.0), 1.0)
    assert [0, 0.25, 0.5, 0.75] == [ticket[1] for ticket in iter(lambda: loop.take(1.05), None)]
    assert loop.is_over(1.05)


def test_an_open_loop_without_further_arrivals_lasts_until_its_end() -> None:
    """An open loop of 0.1 requests/s that ends after 5 s is over after 5 s, because its rate covers the whole time."""
    loop = OpenLoop(schedule_constant(itertools.count(), 0.1, 0.0, 0.0), 5.0)
    assert (0, 0.0) == loop.take(0.0)
    assert [False, True] == [loop.is_over(now) for now in (4.9, 5.0)]


def test_an_open_loop_without_further_numbers_is_over_at_once() -> None:
    """An open loop is over after its last request number, even if time is left."""
    loop = OpenLoop(schedule_constant(iter(range(1)), 0.1, 0.0, 0.0), 5.0)
    assert (0, 0.0) == loop.take(0.0)
    assert loop.is_over(0.1)


def test_a_stopped_open_loop_is_over_at_once() -> None:
    """An open loop that waits for its end is over after a stop."""
    loop = OpenLoop(schedule_constant(itertools.count(), 0.1, 0.0, 0.0), 5.0)
    loop.take(0.0)
    assert (0, True) == (loop.stop(0.1), loop.is_over(0.1))


def test_the_rate_grows_evenly_in_the_ramp_up() -> None:
    """The rate grows linearly to 100 requests/s over 4 s, then remains constant."""
    assert (2.0, 4.0, 5.0) == (
        compute_arrival_time(50, 100, 4),
        compute_arrival_time(200, 100, 4),
        compute_arrival_time(300, 100, 4),
    )


def test_poisson_arrivals_have_the_rate_and_its_spread() -> None:
    """The gaps between the arrivals of two processes at 1,000 requests/s have a mean and deviation of 1 ms."""
    times: list[float] = []
    for process in (0, 1):
        arrivals = schedule_poisson(iter(range(10_000)), 1000.0, 0.0, 0.0, 2, (7, process))
        times += [due for _, due in arrivals]
    times.sort()
    gaps = [after - before for before, after in itertools.pairwise(times[:15_000])]
    mean = sum(gaps) / len(gaps)
    deviation = math.sqrt(sum((gap - mean) ** 2 for gap in gaps) / len(gaps))
    assert (0.001, 0.001) == pytest.approx((mean, deviation), rel=0.05)
