"""Tests of the plan of a load run, and of the part of the plan that each process runs."""

import pytest

from tax_client.load.load_plan import Plan, choose_processes


def build_plan(**changes: object) -> Plan:
    """Build a plan of 100 requests, with changed settings."""
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


@pytest.mark.parametrize(
    ("seed", "processes", "different"), [(None, (0, 1), 2), (None, (0, 0), 2), (1, (0, 1), 2), (1, (0, 0), 1)]
)
def test_poisson_arrivals_repeat_only_with_a_seed(seed: int | None, processes: tuple[int, int], different: int) -> None:
    """Two processes draw different times. A process draws the same times in each run only if there is a seed."""
    shares = [build_plan(rate=10.0, arrivals="poisson", seed=seed).build_share(process) for process in processes]
    assert different == len({share.build_arrivals(0.0).next_due for share in shares})


def test_the_shares_of_all_processes_cover_all_requests() -> None:
    """The shares of three processes contain each request number and each connection exactly once."""
    shares = [build_plan().build_share(process) for process in range(3)]
    assert list(range(100)) == sorted(number for share in shares for number in share.generate_numbers())
    assert 8 == sum(len(share.compute_start_times(0.0)) for share in shares)


def test_connections_start_one_after_the_other_in_a_ramp_up() -> None:
    """In a closed loop the connections start evenly over the ramp-up. In an open loop all start immediately."""
    ramped = build_plan(ramp_up=4.0)
    starts = sorted(start for process in range(3) for start in ramped.build_share(process).compute_start_times(10.0))
    assert [10 + n / 2 for n in range(8)] == starts
    assert {10.0} == set(build_plan(ramp_up=4.0, rate=5.0).build_share(0).compute_start_times(10.0))


@pytest.mark.parametrize(
    ("threads", "requests", "cores", "expected"),
    [(16, 1000, 8, 1), (32, 20_000, 8, 4), (32, None, 2, 2), (1, None, 8, 1), (32, 10**6, 2, 2)],
)
def test_the_default_number_of_processes(threads: int, requests: int | None, cores: int, expected: int) -> None:
    """By default there is one process per core. For few connections or few requests there are fewer processes."""
    assert expected == choose_processes(threads, requests, cores)
