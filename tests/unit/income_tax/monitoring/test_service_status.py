"""The metrics and the problems in the service status."""

from collections import Counter
from dataclasses import replace

from income_tax.http.pages.status_page import BAR_MIN, CHART_SIZE, build_bars
from income_tax.monitoring.service_status import DiskUsage, ServiceStatus
from income_tax.monitoring.worker_metrics import BUCKETS_KEPT, TimeBucket, WorkerSnapshot

NOW = 10_000.0


def bucket_of(status_class: int, count: int) -> TimeBucket:
    """Return a time bucket with `count` responses of a status class."""
    bucket = TimeBucket(Counter({status_class: count}))
    for _ in range(count):
        bucket.latencies.record(200)
    return bucket


def worker(pid: int = 1, host: str = "a", buckets: dict[int, TimeBucket] | None = None) -> WorkerSnapshot:
    return WorkerSnapshot(host, pid, "7.1.0", NOW - 60, NOW, "0123456789ab", [], 0, buckets or {})


HALF = DiskUsage(100, 50)


def overview(*workers: WorkerSnapshot, pending: int = 0, room: DiskUsage | None = HALF) -> ServiceStatus:
    return ServiceStatus(workers, 1, None, {"pending": pending, "sent": 3, "dead": 1}, 0, room, NOW)


def test_windows_add_all_workers() -> None:
    """A time window adds up the responses of all workers."""
    one, other = (worker(pid, buckets={9990: bucket_of(2, 5), 9000: bucket_of(5, 9)}) for pid in (1, 2))
    minute = overview(one, other).windows[0]
    assert (10, {2: 10}) == (minute.counted.requests, minute.counted.statuses)
    assert BUCKETS_KEPT == len(overview(one).buckets)


def test_a_healthy_service_has_no_problems() -> None:
    """The status of a healthy service lists no problems."""
    assert [] == overview(worker(1, "a"), worker(1, "b")).problems


def test_each_problem_has_a_message() -> None:
    """The status has a message for each problem with workers, requests, alerts or volumes."""
    failing = worker(buckets={9990: bucket_of(5, 2)})
    cases = {
        "the database does not answer": [replace(worker(), troubles=["the database does not answer"])],
        "no worker publishes": [],
        "different schedules": [worker(), replace(worker(1, "b"), schedules="ba9876543210")],
        "different versions": [worker(), replace(worker(1, "b"), version="7.0.0")],
        "7 log lines were lost": [replace(worker(), lines_lost=7)],
        "2 requests failed": [failing],
    }
    for words, workers in cases.items():
        (finding,) = overview(*workers).problems
        assert words in finding
    assert ["replica a has 1 of 2 workers"] == replace(overview(worker()), expected=2).problems
    assert ["alert mails that wait for the mail server: 4"] == overview(worker(), pending=4).problems
    (full,) = overview(worker(), room=DiskUsage(100, 9)).problems
    assert "the volume of the logs is nearly full: lower LOG_MAX_SIZE or LOG_KEEP, or enlarge the volume" == full
    (missing,) = overview(worker(), room=None).problems
    assert "the volume of the logs cannot be read: check that the folder of LOG_FILE exists" == missing
    (dead,) = replace(overview(worker()), dead_letters=2).problems
    assert "permanently refused alert mails: 2; see “Read and remove dead letters” in docs/how-to/alerts.md" == dead
    assert ["the spool of the alerts cannot be read"] == replace(overview(worker()), alerts={}).problems


def test_a_missing_replica_is_a_problem() -> None:
    """A missing replica is reported with a remedy. Extra replicas are not a problem."""
    one = replace(overview(worker()), expected_replicas=2)
    assert ["only 1 of 2 replicas is running: run make up, or make up REPLICAS=1 to keep this number"] == one.problems
    for expected in (1, 2):
        assert [] == replace(overview(worker(), worker(1, "b")), expected_replicas=expected).problems
    assert 1 == len(replace(overview(), expected_replicas=2).problems)


def test_few_requests_beside_many_are_visible() -> None:
    """A bar of one request or failure has a visible height, also beside a bar of thousands. No request is no bar."""
    buckets = {9990: bucket_of(2, 5000), 9980: TimeBucket(Counter({2: 4999, 5: 1})), 9970: bucket_of(5, 1)}
    shown = {(bar["requests"], bar["height"], bar["failed"]) for bar in build_bars(overview(worker(buckets=buckets)))}
    full = CHART_SIZE[1]
    assert {(0, 0, 0), (1, BAR_MIN, BAR_MIN), (5000, full, BAR_MIN), (5000, full, 0)} == shown
