"""The replica monitor detects replicas that stand still, and no others."""

import os
from pathlib import Path

import pytest

from income_tax.monitoring.replica_monitor import LATE, REPORT_AFTER, ReplicaMonitor
from income_tax.monitoring.worker_status import GONE
from tests.support.fakes import FakeClock


class World:
    """Workers that write their files, and the monitor of the worker `a-1`. A round takes two seconds."""

    def __init__(self, folder: Path, expected: int | None = None, name: str = "a-1") -> None:
        self.folder, self.expected = folder, expected
        self.clock, self.events, self.writes = FakeClock(), list[str](), 0
        self.monitor = ReplicaMonitor(
            folder,
            lambda: name,
            lambda: self.expected,
            lambda host: self.events.append(f"silent {host}"),
            lambda worker: self.events.append(f"take {worker}"),
            lambda: self.events.append("recovered"),
            self.clock,
        )

    def write(self, *names: str) -> None:
        for name in names:
            path = self.folder / f"{name}.json"
            path.touch()
            self.writes += 1
            status = path.stat()
            os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + self.writes))

    def run(self, seconds: float, *names: str) -> None:
        for _ in range(int(seconds / 2)):
            self.write(*names)
            self.clock.now += 2
            self.monitor.check()

    def pop_events(self) -> list[str]:
        events, self.events = list(dict.fromkeys(self.events)), []
        return events


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Return two running replicas, `a` with the workers a-1 and a-2, and `b` with the worker b-1."""
    world = World(tmp_path)
    world.run(REPORT_AFTER + 4, "a-1", "a-2", "b-1")
    assert (["recovered"], []) == (world.pop_events(), world.monitor.troubles)
    return world


def test_a_silent_replica_is_named_and_then_reported_once(world: World) -> None:
    """A replica without signs of life is named within seconds, reported once, and reported again when it works."""
    world.run(GONE + 2, "a-1", "a-2")
    assert ["replica b stands still: it has shown no sign of life for more than 6 s; run make up"] == (
        world.monitor.troubles
    )
    assert [] == world.pop_events()
    world.run(REPORT_AFTER, "a-1", "a-2")
    assert ["take b-1", "silent b"] == world.pop_events()
    world.run(60, "a-1", "a-2")
    assert ["take b-1"] == world.pop_events()
    world.run(4, "a-1", "a-2", "b-1")
    assert (["recovered"], []) == (world.pop_events(), world.monitor.troubles)


def test_a_replica_that_stops_in_order_is_not_reported(world: World) -> None:
    """A replica that has removed its files was stopped in order."""
    (world.folder / "b-1.json").unlink()
    world.run(60, "a-1", "a-2")
    assert ([], []) == (world.pop_events(), world.monitor.troubles)


def test_one_silent_worker_is_no_silent_replica(world: World) -> None:
    """A replica with one running worker does not stand still, because gunicorn replaces the other worker."""
    world.run(60, "a-1", "b-1")
    assert ([], []) == (world.pop_events(), world.monitor.troubles)


def test_a_replaced_replica_is_not_reported(world: World) -> None:
    """If the expected number of replicas runs, the files of killed replicas are ignored."""
    world.expected = 2
    world.run(60, "a-1", "a-2", "c-1")
    assert ([], []) == (world.pop_events(), world.monitor.troubles)
    world.expected = 3
    world.run(2, "a-1", "a-2", "c-1")
    assert ["take b-1", "silent b"] == world.pop_events()
    world.run(2, "a-1", "a-2", "c-1", "d-1")
    assert (["recovered"], []) == (world.pop_events(), world.monitor.troubles)


def test_the_removal_of_an_old_file_is_no_recovery(world: World) -> None:
    """If the file of a killed replica is removed, the recovery is reported when another replica runs."""
    world.expected = 2
    world.run(60, "a-1", "a-2")
    assert ["take b-1", "silent b"] == world.pop_events()
    (world.folder / "b-1.json").unlink()
    world.run(60, "a-1", "a-2")
    assert ([], []) == (world.pop_events(), world.monitor.troubles)
    world.run(4, "a-1", "a-2", "c-1")
    assert ["recovered"] == world.pop_events()


def test_a_new_worker_reports_no_recovery_of_missing_replicas(tmp_path: Path) -> None:
    """A new worker reports the recovery only when the expected number of replicas runs."""
    world = World(tmp_path, expected=2)
    world.run(2 * REPORT_AFTER, "a-1")
    assert [] == world.pop_events()
    world.run(2, "a-1", "b-1")
    assert ["recovered"] == world.pop_events()


def test_one_worker_reports_for_all(tmp_path: Path) -> None:
    """A worker whose name is not the first among the running workers names the replica, but reports nothing."""
    world = World(tmp_path, name="a-2")
    world.run(REPORT_AFTER + 4, "a-1", "a-2", "b-1")
    world.pop_events()
    world.run(60, "a-1", "a-2")
    assert ([], 1) == (world.pop_events(), len(world.monitor.troubles))
    world.run(2, "a-1", "a-2", "b-1")
    assert ["recovered"] == world.pop_events()


def test_a_new_worker_judges_only_what_it_has_observed(tmp_path: Path) -> None:
    """A new worker neither reports a replica nor a recovery before it has watched for a while."""
    world = World(tmp_path)
    world.write("b-1")
    world.run(REPORT_AFTER, "a-1")
    assert [] == world.pop_events()
    world.run(4, "a-1")
    assert ["take b-1", "silent b"] == world.pop_events()


def test_a_process_that_stood_still_itself_reports_nothing(world: World) -> None:
    """After a suspension of this process or the machine, the monitor starts to watch anew."""
    world.clock.now += LATE + REPORT_AFTER
    world.run(GONE, "a-1")
    assert ([], []) == (world.pop_events(), world.monitor.troubles)


def test_a_full_volume_is_no_silent_replica(world: World) -> None:
    """If this worker cannot write its own file either, the other replicas are not suspected."""
    world.run(60)
    assert ([], []) == (world.pop_events(), world.monitor.troubles)
