"""The metrics that workers publish, and the snapshots of these metrics."""

import json
import threading
from pathlib import Path

from income_tax.monitoring.service_status import read_expected_replicas
from income_tax.monitoring.worker_metrics import (
    BUCKETS_KEPT,
    GONE,
    TimeBucket,
    WorkerMetrics,
    merge_buckets,
    read_snapshots,
)
from tests.support.fakes import FakeClock
from tests.support.waiting import wait_until

STATE = {"schedules": "0123456789ab", "troubles": [], "lines_lost": 0}
NOW = 10_000.0


def test_published_counts_are_readable(tmp_path: Path) -> None:
    """A snapshot contains the worker's counts and its identity."""
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


def test_a_closed_worker_leaves_no_file(tmp_path: Path) -> None:
    """If a worker closes while it publishes, no file is left."""
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


def test_percentiles_exceed_exact_values_by_at_most_a_quarter() -> None:
    """A percentile exceeds the exact percentile by at most a quarter. Without requests the percentile is None."""
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
    """Counts older than ten minutes are dropped, so that the file stays small."""
    clock = FakeClock(NOW)
    activity = WorkerMetrics(Path("/nowhere"), "", clock)
    for _ in range(3 * BUCKETS_KEPT):
        activity.record(200, 0.001)
        clock.now += 10
    assert BUCKETS_KEPT == len(activity._buckets)


def test_threads_count_exactly() -> None:
    """No count is lost when several threads count at the same time."""
    activity = WorkerMetrics(Path("/nowhere"), "", FakeClock(NOW))
    threads = [threading.Thread(target=lambda: [activity.record(200, 0.01) for _ in range(5000)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 20000 == sum(bucket.requests for bucket in activity._buckets.values())


def test_ended_workers_are_skipped(tmp_path: Path) -> None:
    """Outdated and malformed snapshot files are skipped."""
    content = {"host": "a", "pid": 1, "version": "7.1.0", "started": 0.0, "time": NOW, "slots": {}, **STATE}
    (tmp_path / "a-1.json").write_text(json.dumps(content))
    (tmp_path / "a-2.json").write_text(json.dumps(content | {"time": NOW - GONE - 1}))
    (tmp_path / "a-3.json").write_text("{")
    (tmp_path / "a-4.json").write_text("{}")
    assert [1] == [found.pid for found in read_snapshots(tmp_path, NOW)]
    assert [] == read_snapshots(tmp_path / "missing", NOW)


def test_a_full_disk_does_not_stop_a_worker(tmp_path: Path) -> None:
    """A worker keeps counting while its file cannot be written, and publishes the counts afterwards."""
    blocked = tmp_path / "workers"
    blocked.write_text("a file where the folder should be")
    activity = WorkerMetrics(blocked, "7.1.0", FakeClock(NOW))
    activity.start(lambda: STATE)
    activity.record(200, 0.001)
    blocked.unlink()
    # Wait for a later publication, because the worker can publish before it counts the request.
    (found,) = wait_until(lambda: [worker for worker in read_snapshots(blocked, NOW) if worker.buckets])
    assert 1 == merge_buckets([found], 0)[int(NOW)].requests
    activity.close()


def test_expected_replicas(tmp_path: Path) -> None:
    """The expected number of replicas is read from a file. It is None if the file is missing or contains no number."""
    file = tmp_path / "replicas"
    assert read_expected_replicas(file) is None
    file.write_text("3\n")
    assert 3 == read_expected_replicas(file)
    file.write_text("")
    assert read_expected_replicas(file) is None
