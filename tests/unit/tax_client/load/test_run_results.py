"""Tests of a run's results: throughput, verdict, intervals, and the merge of several runs."""

import pytest

from tax_client.load.coordinator import RunRecorder
from tax_client.load.run_results import Run, merge_runs
from tax_client.load.run_verdict import is_all_right
from tax_client.load.summary_and_comparison import summarize
from tests.unit.tax_client.load.example_runs import build_counters, build_run


def test_the_warm_up_is_not_in_the_throughput() -> None:
    """The throughput of a run of 0.5 s with a warm-up of 0.25 s covers only the last 0.25 s."""
    run = build_run(build_counters(measured=0), build_counters(), measured_from=0.25)
    assert 16.0 == run.rate


def build_ended_run(requests: int | None, stopped: float | None, length: float | None, badly: bool = False) -> Run:
    """Build a run with eight answers in 0.5 s, and end it in the given way. The last answer arrives after 0.4 s."""
    run = build_run(build_counters(), build_counters())
    run.length, run.total.last = length, 0.4
    run.ended_badly = ["process 0 was ended"] if badly else []
    RunRecorder(run).finish(requests, stopped)
    return run


@pytest.mark.parametrize(
    ("run", "seconds"),
    [
        (build_ended_run(None, None, 0.6), 0.6),
        (build_ended_run(8, None, None), 0.4),
        (build_ended_run(8, None, 0.6), 0.4),
        (build_ended_run(9, None, 0.6), 0.6),
        (build_ended_run(None, 0.3, 0.6), 0.3),
        (build_ended_run(9, 0.3, None), 0.3),
        (build_ended_run(9, 0.8, None), 0.5),
        (build_ended_run(None, None, 0.6, badly=True), 0.5),
    ],
    ids=["planned end", "all sent", "all sent early", "not all sent", "stopped", "stopped, no end", "late", "killed"],
)
def test_the_measured_time_ends_with_the_run(run: Run, seconds: float) -> None:
    """The measured time ends at the planned end, at an interruption, or when the last of all requests is answered."""
    assert (seconds, 8 / seconds) == pytest.approx((run.measured_seconds, run.rate))


def test_simultaneous_clients_are_merged() -> None:
    """A merge adds counts and latencies, and shifts the intervals of a client that started later."""
    first, second = (
        build_run(build_counters()),
        build_run(build_counters(range(10_000, 50_000, 10_000)), started=1001.0),
    )
    merged = merge_runs([first, second])
    assert (8, 8, 2, 1000.0) == (merged.total.sent, merged.total.right, merged.clients, merged.started)
    assert [0, 4] == sorted(merged.intervals)
    assert 1.25 == merged.elapsed
    assert 40 == pytest.approx(merged.total.latencies.max, rel=1e-3)
    assert 4 == pytest.approx(merged.total.latencies.percentiles([50])[0], rel=1e-3)


def test_settings_of_each_client_are_marked() -> None:
    """A merged run shows the loop, connections and processes of each client. It shows other settings only once."""
    runs = [build_run(build_counters(), started=1000.0 + n) for n in range(3)]
    own = {"loop": "open, 100 requests/s", "connections": 4, "processes": 1, "requests": None, "retries": 2}
    for run in runs:
        run.settings = dict(own)
    merged = {"loop": "3 clients x open, 100 requests/s", "connections": "3 clients x 4", "processes": "3 clients x 1"}
    assert own | merged == merge_runs(runs).settings
    runs[2].settings["connections"] = 8
    assert "4, 4, 8" == merge_runs(runs).settings["connections"]


def test_a_missing_client_is_an_error() -> None:
    """The verdict on a merged run is bad if one of three expected reports is missing."""
    runs = [build_run(build_counters()), build_run(build_counters())]
    assert is_all_right(merge_runs(runs, expected_clients=2))
    merged = merge_runs(runs, expected_clients=3)
    assert not is_all_right(merged)
    assert "failed      1 of 3 clients left no report" in summarize(merged)


def test_a_client_without_a_right_answer_fails_the_merged_run() -> None:
    """A merged run fails if one of three clients sent no request, even if all other answers are right."""
    merged = merge_runs([build_run(build_counters()), build_run(), build_run(build_counters())])
    assert not is_all_right(merged)
    assert "failed      1 of 3 clients got no right answer" in summarize(merged)


def test_pauses_between_clients_are_reported() -> None:
    """The summary of a merged run warns if there was a time in which no client ran."""
    second, third = (
        build_run(build_counters(), build_counters(), started=1003.5),
        build_run(build_counters(), build_counters(), started=1003.7),
    )
    merged = merge_runs([third, build_run(build_counters(), build_counters()), second])
    assert "beware      the clients did not run at the same time: no client ran for 3.0 s" in summarize(merged)
    assert is_all_right(merged)
    assert [] == merge_runs([second, third]).remarks


def test_long_runs_keep_longer_intervals() -> None:
    """A run of five minutes has 300 intervals of one second and loses no counts."""
    run = build_run(*[build_counters() for _ in range(1200)])
    assert 1.0 == run.interval
    assert 300 == len(run.intervals)
    assert {16} == {part.counters.right for part in run.intervals.values()}
    assert 4800 == run.total.right
