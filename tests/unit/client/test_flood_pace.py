"""When a flood sends what: closed and open loops, and the shares of its processes."""

import itertools
import math

import pytest

from tax_client.load.arrivals import NEVER, ClosedLoop, OpenLoop, constant_arrivals, poisson_arrivals, time_of
from tax_client.load.plan import Plan, processes_for


def plan(**changes: object) -> Plan:
    """A plan of 100 requests, some of it changed."""
    usual: dict[str, object] = {
        "threads": 8,
        "processes": 3,
        "requests": 100,
        "duration": None,
        "rate": None,
        "arrivals": "constant",
        "ramp_up": 0.0,
        "warm_up": 0.0,
        "retries": 0,
        "seed": 1,
    }
    return Plan(**(usual | changes))  # type: ignore[arg-type]


def test_a_closed_loop_gives_a_number_whenever_it_is_asked() -> None:
    """Each free connection gets the next number, due at once, until they are used up."""
    pace = ClosedLoop(iter(range(2)), NEVER)
    assert [(0, 5.0), (1, 6.0), None] == [pace.take(5.0), pace.take(6.0), pace.take(7.0)]
    assert pace.is_over(7.0)


def test_a_closed_loop_ends_when_its_time_is_over() -> None:
    """After the duration there is no number any more, however many are left."""
    pace = ClosedLoop(itertools.count(), 10.0)
    assert (0, 9.9) == pace.take(9.9)
    assert pace.take(10.0) is None
    assert pace.is_over(10.0)


def test_a_closed_loop_that_is_stopped_gives_no_number_any_more() -> None:
    """After a stop a free connection gets nothing, whatever is left."""
    pace = ClosedLoop(itertools.count(), NEVER)
    assert (0, 5.0) == pace.take(5.0)
    assert 0 == pace.stop(6.0)
    assert pace.take(7.0) is None
    assert pace.is_over(7.0)


def test_an_open_loop_keeps_its_schedule_whatever_happens() -> None:
    """Four requests a second are due each quarter, also those that nobody could take in time."""
    pace = OpenLoop(constant_arrivals(iter(range(4)), 4.0, 0.0, 100.0), NEVER)
    assert (0, 100.0) == pace.take(100.0)
    assert pace.take(100.2) is None
    assert 100.25 == pace.next_due()
    assert [(1, 100.25), (2, 100.5), None] == [pace.take(100.6) for _ in range(3)]
    assert 1 == pace.stop(100.8)
    assert pace.is_over(100.8)


def test_what_arrives_after_the_end_is_never_due() -> None:
    """An open loop of one second at four a second has four arrivals."""
    pace = OpenLoop(constant_arrivals(itertools.count(), 4.0, 0.0, 0.0), 1.0)
    assert [0, 0.25, 0.5, 0.75] == [ticket[1] for ticket in iter(lambda: pace.take(1.05), None)]
    assert pace.is_over(1.05)


def test_the_rate_grows_evenly_in_the_ramp_up() -> None:
    """Of 100 a second reached in 4 s, a quarter of the ramp's 200 arrive in its first half, then 100 a second do."""
    assert (2.0, 4.0, 5.0) == (time_of(50, 100, 4), time_of(200, 100, 4), time_of(300, 100, 4))


def test_poisson_arrivals_have_the_rate_and_its_spread() -> None:
    """Of two processes at 1,000 a second together, the distances have a mean and a deviation of a millisecond."""
    times: list[float] = []
    for process in (0, 1):
        arrivals = poisson_arrivals(iter(range(10_000)), 1000.0, 0.0, 0.0, 2, (7, process))
        times += [due for _, due in arrivals]
    times.sort()
    gaps = [after - before for before, after in itertools.pairwise(times[:15_000])]
    mean = sum(gaps) / len(gaps)
    deviation = math.sqrt(sum((gap - mean) ** 2 for gap in gaps) / len(gaps))
    assert (0.001, 0.001) == pytest.approx((mean, deviation), rel=0.05)


@pytest.mark.parametrize(
    ("seed", "processes", "different"), [(None, (0, 1), 2), (None, (0, 0), 2), (1, (0, 1), 2), (1, (0, 0), 1)]
)
def test_poisson_arrivals_repeat_with_a_seed_alone(
    seed: int | None, processes: tuple[int, int], different: int
) -> None:
    """Two processes, and two runs without a seed, draw times of their own; with a seed a process draws them again."""
    shares = [plan(rate=10.0, arrivals="poisson", seed=seed).share(process) for process in processes]
    assert different == len({share.pace(0.0).next_due() for share in shares})


def test_the_shares_of_all_processes_are_the_whole() -> None:
    """Three processes together have each number and each connection once."""
    shares = [plan().share(process) for process in range(3)]
    assert list(range(100)) == sorted(number for share in shares for number in share.numbers())
    assert 8 == sum(len(share.starts(0.0)) for share in shares)


def test_connections_begin_one_after_the_other_in_a_ramp_up() -> None:
    """Eight connections in four seconds begin each half second; in an open loop at once, as the rate grows there."""
    ramped = plan(ramp_up=4.0)
    starts = sorted(start for process in range(3) for start in ramped.share(process).starts(10.0))
    assert [10 + n / 2 for n in range(8)] == starts
    assert {10.0} == set(plan(ramp_up=4.0, rate=5.0).share(0).starts(10.0))


@pytest.mark.parametrize(
    ("threads", "requests", "cores", "expected"),
    [(16, 1000, 8, 1), (32, 20_000, 8, 4), (32, None, 2, 2), (1, None, 8, 1), (32, 10**6, 2, 2)],
)
def test_a_flood_gets_as_many_processes_as_help(threads: int, requests: int | None, cores: int, expected: int) -> None:
    """One a core, no more than connections, and few for few requests."""
    assert expected == processes_for(threads, requests, cores)
