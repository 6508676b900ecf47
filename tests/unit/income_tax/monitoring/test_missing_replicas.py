"""The monitor of the number of replicas reports missing replicas after a minute, and no restarts."""

from pathlib import Path

import pytest

from income_tax.monitoring.missing_replicas import (
    COMPLETE_AFTER,
    MISSING_AFTER,
    MissingReplicasMonitor,
    describe_missing,
)
from income_tax.monitoring.replica_monitor import LATE, REPORT_AFTER
from tests.unit.income_tax.monitoring.test_replica_monitor import World

MINUTE = int(MISSING_AFTER)


class Counted(World):
    """Workers that write their files, and both monitors of a worker. Two replicas are expected."""

    def __init__(self, folder: Path, name: str = "a-1") -> None:
        super().__init__(folder, 2, name)
        self.reports = list[str]()
        self.missing = MissingReplicasMonitor(
            self.monitor,
            lambda: self.expected,
            self.reports.append,
            lambda: self.reports.append("complete"),
            self.clock,
        )

    def run(self, seconds: float, *names: str) -> None:
        for _ in range(int(seconds / 2)):
            super().run(2, *names)
            self.missing.check()

    def stop(self, name: str) -> None:
        """Stop a worker in order, which removes its file."""
        (self.folder / f"{name}.json").unlink()


@pytest.fixture
def counted(tmp_path: Path) -> Counted:
    """Return the two expected replicas `a` and `b`, after the first count."""
    counted = Counted(tmp_path)
    counted.run(REPORT_AFTER + COMPLETE_AFTER + 4, "a-1", "b-1")
    assert ["complete"] == counted.reports
    counted.reports.clear()
    return counted


def test_a_stopped_replica_is_reported_once_after_a_minute(counted: Counted) -> None:
    """A replica that was stopped is reported once after a minute, and once when it runs again."""
    counted.stop("b-1")
    counted.run(MINUTE, "a-1")
    assert [] == counted.reports
    counted.run(2, "a-1")
    assert ["only 1 of 2 replicas is running: run make up, or make up REPLICAS=1 to keep this number"] == (
        counted.reports
    )
    counted.run(10 * MINUTE, "a-1")
    assert 1 == len(counted.reports)
    counted.run(COMPLETE_AFTER, "a-1", "c-1")
    assert 1 == len(counted.reports)
    counted.run(2, "a-1", "c-1")
    assert ["complete"] == counted.reports[1:]


def test_restarts_shorter_than_a_minute_are_not_reported(counted: Counted) -> None:
    """Restarts that last less than a minute are not reported, however often they happen."""
    for _ in range(5):
        counted.stop("b-1")
        counted.run(MINUTE - 2, "a-1")
        counted.run(COMPLETE_AFTER + 2, "a-1", "b-1")
    assert ["complete"] * 5 == counted.reports


def test_a_crash_loop_is_reported_once(counted: Counted) -> None:
    """A replica that again and again runs for some seconds only is reported once. Its recovery is not reported."""
    for _ in range(5):
        counted.stop("b-1")
        counted.run(MINUTE - 6, "a-1")
        counted.run(6, "a-1", "b-1")
    assert [describe_missing(1, 2)] == counted.reports


def test_a_lower_expected_number_is_reached_at_once(counted: Counted) -> None:
    """If `make up` lowers the number of replicas, the stopped replicas are not missing."""
    counted.expected = 1
    counted.stop("b-1")
    counted.run(3 * MINUTE, "a-1")
    assert [] == counted.reports


@pytest.mark.parametrize("expected", [None, 2])
def test_a_replica_that_stands_still_is_not_missing(counted: Counted, expected: int | None) -> None:
    """The other monitor reports a replica that stands still. Without an expected number, none is missing."""
    counted.expected = expected
    counted.run(3 * MINUTE, "a-1")
    assert [] == counted.reports
    assert "silent b" in counted.pop_events()


def test_one_worker_reports_missing_replicas(tmp_path: Path) -> None:
    """A worker that does not report for all workers reports the missing replica only after the first worker ends."""
    other = Counted(tmp_path, name="a-2")
    other.run(REPORT_AFTER + 4, "a-1", "a-2")
    other.run(2 * MINUTE, "a-1", "a-2")
    assert [] == other.reports
    other.stop("a-1")
    other.run(2, "a-2")
    assert [describe_missing(1, 2)] == other.reports


def test_a_suspended_process_counts_a_new_minute(counted: Counted) -> None:
    """After a suspension of the machine, the minute begins again."""
    counted.stop("b-1")
    counted.run(MINUTE - 2, "a-1")
    counted.clock.now += LATE + MINUTE
    counted.run(REPORT_AFTER + MINUTE - 2, "a-1")
    assert [] == counted.reports
    counted.run(6, "a-1")
    assert [describe_missing(1, 2)] == counted.reports
