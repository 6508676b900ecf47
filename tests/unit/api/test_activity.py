"""What workers publish of themselves, and what the operator is told of it."""

import json
import threading
from collections import Counter
from dataclasses import replace
from pathlib import Path

from income_tax.monitoring.service_status import DiskUsage, ServiceStatus, read_expected_replicas
from income_tax.monitoring.worker_metrics import (
    BUCKETS_KEPT,
    GONE,
    TimeBucket,
    WorkerMetrics,
    WorkerSnapshot,
    merge_buckets,
    read_snapshots,
)
from tests.support.fakes import FakeClock
from tests.support.waiting import wait_until

STATE = {"schedules": "0123456789ab", "troubles": [], "lines_lost": 0}
NOW = 10_000.0


def bucket_of(status_class: int, count: int) -> TimeBucket:
    """A bucket of so many responses of a class of status."""
    bucket = TimeBucket(Counter({status_class: count}))
    for _ in range(count):
        bucket.latencies.record(200)
    return bucket


def worker(pid: int = 1, host: str = "a", buckets: dict[int, TimeBucket] | None = None) -> WorkerSnapshot:
    return WorkerSnapshot(host, pid, "7.1.0", NOW - 60, NOW, "0123456789ab", [], 0, buckets or {})


HALF = DiskUsage(100, 50)


def overview(*workers: WorkerSnapshot, pending: int = 0, room: DiskUsage | None = HALF) -> ServiceStatus:
    return ServiceStatus(workers, 1, None, {"pending": pending, "sent": 3, "dead": 1}, 0, room, NOW)


def test_published_counts_are_read_again(tmp_path: Path) -> None:
    """What a worker counted, any reader finds in its file, with who the worker is."""
    clock = FakeClock(NOW)
    activity = WorkerMetrics(tmp_path, "7.1.0", clock)
    for status, seconds in [(200, 0.001), (200, 0.002), (404, 0.1), (500, 3.0)]:
        activity.record(status, seconds)
    activity.start(lambda: STATE)
    (found,) = wait_until(lambda: read_snapshots(tmp_path, NOW))
    assert ("7.1.0", NOW, "0123456789ab") == (found.version, found.started, found.schedules)
    (bucket,) = found.buckets.values()
    assert ({2: 2, 4: 1, 5: 1}, 4) == (bucket.statuses, bucket.requests)
    activity.close()
    assert [] == read_snapshots(tmp_path, NOW)


def test_a_closed_worker_s_file_stays_away(tmp_path: Path) -> None:
    """What a worker was about to publish when it was closed is not there afterwards."""
    entered, go = threading.Event(), threading.Event()

    def state() -> dict[str, object]:
        entered.set()
        assert go.wait(60)
        return STATE

    activity = WorkerMetrics(tmp_path, "7.1.0", FakeClock(NOW))
    activity.start(state)
    assert entered.wait(60)
    closing = threading.Thread(target=activity.close)
    closing.start()
    assert activity._stop.wait(60)
    go.set()
    closing.join()
    assert activity._thread is not None
    activity._thread.join()
    assert [] == list(tmp_path.iterdir())


def test_percentiles_are_right_to_a_quarter() -> None:
    """A percentile is at least the true one, and at most a quarter above it; without requests there is none."""
    activity = WorkerMetrics(Path("/nowhere"), "", FakeClock(NOW))
    for n in range(1, 1001):
        activity.record(200, n / 1000)
    (bucket,) = activity._buckets.values()
    for share in (0.5, 0.95, 0.99):
        found = bucket.compute_percentile(share)
        assert found is not None
        assert share <= found <= share * 1.25
    assert TimeBucket().compute_percentile(0.5) is None


def test_only_the_last_minutes_are_kept() -> None:
    """Counts older than ten minutes are dropped, so that a file stays small."""
    clock = FakeClock(NOW)
    activity = WorkerMetrics(Path("/nowhere"), "", clock)
    for _ in range(3 * BUCKETS_KEPT):
        activity.record(200, 0.001)
        clock.now += 10
    assert BUCKETS_KEPT == len(activity._buckets)


def test_threads_count_exactly() -> None:
    """No count is lost when many threads count at once."""
    activity = WorkerMetrics(Path("/nowhere"), "", FakeClock(NOW))
    threads = [threading.Thread(target=lambda: [activity.record(200, 0.01) for _ in range(5000)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 20000 == sum(bucket.requests for bucket in activity._buckets.values())


def test_who_is_gone_is_not_seen(tmp_path: Path) -> None:
    """A worker whose file is old, and a file that is none, count for nothing."""
    content = {"host": "a", "pid": 1, "version": "7.1.0", "started": 0.0, "time": NOW, "slots": {}, **STATE}
    (tmp_path / "a-1.json").write_text(json.dumps(content))
    (tmp_path / "a-2.json").write_text(json.dumps(content | {"time": NOW - GONE - 1}))
    (tmp_path / "a-3.json").write_text("{")
    (tmp_path / "a-4.json").write_text("{}")
    assert [1] == [found.pid for found in read_snapshots(tmp_path, NOW)]
    assert [] == read_snapshots(tmp_path / "missing", NOW)


def test_a_disk_that_is_full_stops_nothing(tmp_path: Path) -> None:
    """While the file cannot be written, the worker counts on; once it can, the counts are there."""
    blocked = tmp_path / "workers"
    blocked.write_text("a file where the folder should be")
    activity = WorkerMetrics(blocked, "7.1.0", FakeClock(NOW))
    activity.start(lambda: STATE)
    activity.record(200, 0.001)
    blocked.unlink()
    # What is written first may have been looked at before the count.
    (found,) = wait_until(lambda: [worker for worker in read_snapshots(blocked, NOW) if worker.buckets])
    assert 1 == merge_buckets([found], 0)[int(NOW)].requests
    activity.close()


def test_workers_are_summed_up() -> None:
    """Windows add what all workers of the host answered."""
    one, other = (worker(pid, buckets={9990: bucket_of(2, 5), 9000: bucket_of(5, 9)}) for pid in (1, 2))
    minute = overview(one, other).windows[0]
    assert (10, {2: 10}) == (minute.counted.requests, minute.counted.statuses)
    assert BUCKETS_KEPT == len(overview(one).buckets)


def test_all_is_well() -> None:
    """Nothing is found when nothing is wrong."""
    assert [] == overview(worker(1, "a"), worker(1, "b")).problems


def test_what_is_not_well_is_said() -> None:
    """Each trouble is a sentence: of a worker, of the workers together, of requests, alerts and volumes."""
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
    assert "alert mails refused for good: 2; docs/operations.md has the remedy under “alert refused”" == dead
    assert ["the spool of the alerts cannot be read"] == replace(overview(worker()), alerts={}).problems


def test_replica_that_is_gone() -> None:
    """Fewer replicas than were asked for are found, with what to do; as many, or more, are well."""
    one = replace(overview(worker()), expected_replicas=2)
    assert ["only 1 of 2 replicas is running: run make up, or make up REPLICAS=1 if you want no more"] == one.problems
    for expected in (1, 2):
        assert [] == replace(overview(worker(), worker(1, "b")), expected_replicas=expected).problems
    assert 1 == len(replace(overview(), expected_replicas=2).problems)


def test_replicas_that_were_asked_for(tmp_path: Path) -> None:
    """Their number stands in a file; where there is none, or no number in it, none is expected."""
    file = tmp_path / "replicas"
    assert read_expected_replicas(file) is None
    file.write_text("3\n")
    assert 3 == read_expected_replicas(file)
    file.write_text("")
    assert read_expected_replicas(file) is None
