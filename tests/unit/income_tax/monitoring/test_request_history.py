"""The history of the last hour, which survives restarts of replicas and changes of the recording worker."""

import json
from pathlib import Path

import pytest

from income_tax.metrics.worker_counters import Route, WorkerCounters
from income_tax.monitoring.request_history import RequestHistory, TimeBucket, read_history
from tests.support.fakes import FakeClock, build_counters

NOW = 10_000.0
ROUTES = (Route("GET", "/"), Route("GET", "/status"), Route("GET", "/health/ready"))


def count(counters: WorkerCounters, number: int, status: int = 200, rule: str = "/") -> None:
    """Count responses that took 1 ms each."""
    for _ in range(number):
        counters.begin_request()
        counters.record_response(counters.find_route("GET", rule), status, 1000)


def build(folder: Path, host: str = "a", clock: FakeClock | None = None) -> tuple[WorkerCounters, RequestHistory]:
    counters = build_counters()
    counters.set_routes(ROUTES)
    return counters, RequestHistory(folder, host, counters, clock or FakeClock(NOW))


def read_statuses(folder: Path, now: float = NOW) -> dict[int, dict[int, int]]:
    return {begin: dict(bucket.statuses) for begin, bucket in read_history(folder, now).items()}


def test_each_request_is_recorded_once(tmp_path: Path) -> None:
    """The history contains the increase of the counters in each interval, and a latency for each response."""
    clock = FakeClock(NOW)
    counters, history = build(tmp_path, clock=clock)
    count(counters, 3)
    history.record()
    count(counters, 2, 500)
    history.record()
    clock.now += 10
    count(counters, 4)
    history.record()
    history.record()
    assert {10_000: {2: 3, 5: 2}, 10_010: {2: 4}} == read_statuses(tmp_path, NOW + 10)
    assert 0.001 == read_history(tmp_path, NOW)[10_000].compute_percentile(1)


def test_requests_of_operators_are_omitted(tmp_path: Path) -> None:
    """The history omits health checks and requests for the status."""
    counters, history = build(tmp_path)
    for rule in ("/status", "/health/ready", "/"):
        count(counters, 1, rule=rule)
    history.record()
    assert {10_000: {2: 1}} == read_statuses(tmp_path)


def test_another_worker_continues(tmp_path: Path) -> None:
    """If another worker of the replica records, no request is lost and none is recorded twice."""
    counters, history = build(tmp_path)
    other = RequestHistory(tmp_path, "a", counters, FakeClock(NOW))
    for _ in range(3):
        for one in (history, other):
            count(counters, 5)
            one.record()
    assert {10_000: {2: 30}} == read_statuses(tmp_path)


def test_a_restart_keeps_the_history(tmp_path: Path) -> None:
    """A restarted replica, whose counters begin at zero, adds to the history. So does another replica."""
    for host in ("a", "a", "b"):
        counters, history = build(tmp_path, host)
        count(counters, 2)
        history.record()
    assert {10_000: {2: 6}} == read_statuses(tmp_path)


def test_an_hour_is_kept(tmp_path: Path) -> None:
    """Buckets of the last hour are kept, and older buckets and files are removed."""
    clock = FakeClock(NOW)
    counters, history = build(tmp_path, clock=clock)
    for _ in range(400):
        count(counters, 1)
        history.record()
        clock.now += 10
    assert 360 == len(json.loads((tmp_path / "a.json").read_bytes())["buckets"])
    assert 359 == sum(sum(one.values()) for one in read_statuses(tmp_path, clock.now).values())


EMPTY = '{"epoch": "x", "total": {}, "buckets": {%s}}'


@pytest.mark.parametrize(
    "content",
    [
        *("", "[]", "{", '{"epoch": "x"}', '{"epoch": "x", "total": 1, "buckets": {}}'),
        *(EMPTY % '"a": {}', EMPTY % '"1": {"statuses": 2}'),
    ],
)
def test_a_damaged_file_is_replaced(tmp_path: Path, content: str) -> None:
    """A malformed file is replaced. The recording process then does not record its former requests again."""
    counters, history = build(tmp_path)
    count(counters, 1)
    history.record()
    (tmp_path / "a.json").write_text(content)
    count(counters, 1)
    history.record()
    assert {10_000: {2: 1}} == read_statuses(tmp_path)


def test_only_the_first_worker_records(tmp_path: Path) -> None:
    """The worker with the lowest slot records. After its end, the next worker does."""
    counters, history = build(tmp_path)
    slots = [counters.shared.assign_slot(name) for name in ("one", "two")]
    counters.use_slot(slots[1])
    history.record_if_first()
    assert not (tmp_path / "a.json").exists()
    counters.shared.release_slot("one")
    history.record_if_first()
    assert (tmp_path / "a.json").exists()


def test_no_requests_have_no_percentile() -> None:
    """Without requests, a percentile is None."""
    assert TimeBucket().compute_percentile(0.5) is None
