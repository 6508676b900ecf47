"""The status files that workers publish, and the snapshots that they contain."""

import json
import threading
from pathlib import Path

from income_tax.monitoring.service_status import read_expected_replicas
from income_tax.monitoring.worker_status import GONE, WorkerStatusPublisher, read_snapshots
from tests.support.fakes import FakeClock
from tests.support.waiting import wait_until

STATE = {"schedules": "0123456789ab", "troubles": [], "lines_lost": 0, "requests": 4}
NOW = 10_000.0


def publisher(folder: Path) -> WorkerStatusPublisher:
    return WorkerStatusPublisher(folder, "7.1.0", lambda: None, FakeClock(NOW))


def test_a_published_status_is_readable(tmp_path: Path) -> None:
    """A snapshot contains the worker's state and its identity. A closed worker has no snapshot."""
    worker = publisher(tmp_path)
    worker.start(lambda: STATE)
    (found,) = wait_until(lambda: read_snapshots(tmp_path, NOW))
    assert ("7.1.0", NOW, "0123456789ab", 4) == (found.version, found.started, found.schedules, found.requests)
    worker.close()
    assert [] == read_snapshots(tmp_path, NOW)


def test_a_closed_worker_leaves_no_file(tmp_path: Path) -> None:
    """If a worker closes while it publishes, no file is left."""
    entered, go = threading.Event(), threading.Event()

    def state() -> dict[str, object]:
        entered.set()
        assert go.wait(60)
        return STATE

    worker = publisher(tmp_path)
    worker.start(state)
    assert entered.wait(60)
    closing = threading.Thread(target=worker.close)
    closing.start()
    assert worker._stop.wait(60)
    go.set()
    closing.join()
    assert worker._thread is not None
    worker._thread.join()
    assert [] == list(tmp_path.iterdir())


def test_ended_workers_are_skipped(tmp_path: Path) -> None:
    """Outdated and malformed files are skipped, and fields of other versions are ignored."""
    content = {"host": "a", "pid": 1, "version": "7.1.0", "started": 0.0, "time": NOW, "slots": {}, **STATE}
    (tmp_path / "a-1.json").write_text(json.dumps(content))
    (tmp_path / "a-2.json").write_text(json.dumps(content | {"time": NOW - GONE - 1}))
    for name, text in {"a-3": "{", "a-4": "{}", "a-5": "[]"}.items():
        (tmp_path / f"{name}.json").write_text(text)
    assert [1] == [found.pid for found in read_snapshots(tmp_path, NOW)]
    assert [] == read_snapshots(tmp_path / "missing", NOW)


def test_a_full_disk_does_not_stop_a_worker(tmp_path: Path) -> None:
    """A worker reports that its file cannot be written, and publishes it when the cause is gone."""
    blocked = tmp_path / "workers"
    blocked.write_text("a file where the folder should be")
    worker = publisher(blocked)
    worker.start(lambda: STATE)
    assert "STATE_DIR cannot be written" in wait_until(lambda: worker.trouble)
    blocked.unlink()
    wait_until(lambda: read_snapshots(blocked, NOW))
    wait_until(lambda: worker.trouble is None)
    worker.close()


def test_expected_replicas(tmp_path: Path) -> None:
    """The expected number of replicas is read from a file. It is None if the file is missing or contains no number."""
    file = tmp_path / "replicas"
    assert read_expected_replicas(file) is None
    file.write_text("3\n")
    assert 3 == read_expected_replicas(file)
    file.write_text("")
    assert read_expected_replicas(file) is None
