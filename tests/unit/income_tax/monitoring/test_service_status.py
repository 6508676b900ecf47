"""The metrics and the problems in the service status."""

from collections import Counter
from dataclasses import replace

from income_tax.http.pages.status_chart import HEIGHT, SEGMENT_MIN, WIDTH, build_chart, round_up
from income_tax.http.pages.status_json import describe_status
from income_tax.metrics.latency_buckets import find_bucket
from income_tax.monitoring.request_history import TimeBucket
from income_tax.monitoring.service_status import DiskUsage, ServiceStatus
from income_tax.monitoring.worker_status import WorkerSnapshot
from tests.support.data import schedules

NOW = 10_000.0


def bucket_of(status_class: int, count: int) -> TimeBucket:
    """Return a time bucket with `count` responses of a status class."""
    return TimeBucket(Counter({status_class: count}), Counter({find_bucket(1000): count}))


def worker(pid: int = 1, host: str = "a") -> WorkerSnapshot:
    return WorkerSnapshot(host, pid, "7.1.0", NOW - 60, NOW, "0123456789ab", [], 0)


HALF = DiskUsage(100, 50)


def overview(
    *workers: WorkerSnapshot,
    pending: int = 0,
    room: DiskUsage | None = HALF,
    history: dict[int, TimeBucket] | None = None,
) -> ServiceStatus:
    return ServiceStatus(workers, 1, None, {"pending": pending, "sent": 3, "dead": 1}, 0, room, history or {}, NOW)


def test_windows_add_the_buckets_of_their_time() -> None:
    """A time window adds up the responses of its minutes. The hour has sixty minutes."""
    status = overview(worker(), history={9990: bucket_of(2, 5), 9800: bucket_of(4, 2), 7000: bucket_of(5, 9)})
    assert [5, 7, 7, 16] == [window.counted.requests for window in status.windows]
    assert {2: 5, 4: 2} == status.windows[1].counted.statuses
    assert (60, [7000 // 60 * 60, 9780, 9960]) == (
        len(status.minutes),
        [begin for begin, bucket in status.minutes.items() if bucket.requests],
    )


def test_a_healthy_service_has_no_problems() -> None:
    """The status of a healthy service lists no problems."""
    assert [] == overview(worker(1, "a"), worker(1, "b")).problems


def test_each_problem_has_a_message() -> None:
    """The status has a message for each problem with workers, requests, alerts or volumes."""
    cases = {
        "the database does not answer": [replace(worker(), troubles=["the database does not answer"])],
        "no worker publishes": [],
        "different schedules": [worker(), replace(worker(1, "b"), schedules="ba9876543210")],
        "different versions": [worker(), replace(worker(1, "b"), version="7.0.0")],
        "7 log lines were lost": [replace(worker(), lines_lost=7)],
    }
    for words, workers in cases.items():
        (finding,) = overview(*workers).problems
        assert words in finding
    assert ["replica a has 1 of 2 workers"] == replace(overview(worker()), expected=2).problems
    assert ["alert messages that wait for their server: 4"] == overview(worker(), pending=4).problems
    (full,) = overview(worker(), room=DiskUsage(100, 9)).problems
    assert "the volume of the logs is nearly full: lower LOG_MAX_SIZE or LOG_KEEP, or enlarge the volume" == full
    (missing,) = overview(worker(), room=None).problems
    assert "the volume of the logs cannot be read: check that the folder of LOG_FILE exists" == missing
    (dead,) = replace(overview(worker()), dead_letters=2).problems
    assert "permanently refused alert messages: 2; see “Read and remove dead letters” in docs/how-to/alerts.md" == dead
    assert ["the spool of the alerts cannot be read"] == replace(overview(worker()), alerts={}).problems


def test_a_missing_replica_is_a_problem() -> None:
    """A missing replica is reported with a remedy. Extra replicas are not a problem."""
    one = replace(overview(worker()), expected_replicas=2)
    assert ["only 1 of 2 replicas is running: run make up, or make up REPLICAS=1 to keep this number"] == one.problems
    for expected in (1, 2):
        assert [] == replace(overview(worker(), worker(1, "b")), expected_replicas=expected).problems
    assert 1 == len(replace(overview(), expected_replicas=2).problems)


def test_failed_requests_are_a_problem() -> None:
    """Failures of the last five minutes are a problem."""
    (failed,) = overview(worker(), history={9990: bucket_of(5, 2)}).problems
    assert "2 requests failed within the last five minutes: the alerts contain the reasons" == failed


def test_few_requests_beside_many_are_visible() -> None:
    """A bar of one request or failure has a visible height, also beside a bar of thousands. No request is no bar."""
    mixed = TimeBucket(Counter({2: 4000, 3: 99, 4: 900, 5: 1}))
    chart = build_chart(overview(history={9960: bucket_of(2, 1), 9900: mixed}).minutes)
    assert (10_000, 2) == (chart.top, len(chart.bars))
    shown = [[(segment.style, segment.height) for segment in bar.segments] for bar in chart.bars]
    assert [("failed", SEGMENT_MIN), ("rejected", 10.8), ("answered", round(HEIGHT * 0.4099, 2))] == shown[0]
    assert [("answered", SEGMENT_MIN)] == shown[1]
    assert chart.bars[1].x + chart.bars[1].width < WIDTH
    assert "02:45: 5000 requests (4000 × 2xx, 99 × 3xx, 900 × 4xx, 1 × 5xx)" == chart.bars[0].label


def test_axes() -> None:
    """The vertical axis ends at a round number. The horizontal axis has a time each ten minutes."""
    assert [2, 2, 4, 10, 20, 200, 2000] == [round_up(value) for value in (0, 1, 3, 5, 11, 101, 1001)]
    times = build_chart(overview().minutes).times
    assert ["01:47", "01:57", "02:07", "02:17", "02:27", "02:37", "02:47"] == times


def test_status_as_json() -> None:
    """The JSON contains the problems, windows, minutes with requests, workers, mails and the volume of the logs."""
    status = overview(worker(), pending=4, history={9990: bucket_of(5, 2)})
    content = describe_status(status, schedules())
    assert status.problems == content["problems"]
    assert "1970-01-01T02:46:40Z" == content["time"]
    counted = {"requests": 2, "statuses": {"2xx": 0, "3xx": 0, "4xx": 0, "5xx": 2}}
    assert [{"start": "1970-01-01T02:46:00Z", **counted}] == content["minutes"]
    latencies = {"p50": 0.001, "p95": 0.001, "p99": 0.001}
    window = {"minutes": 1, **counted, "requests_per_second": 0.03, "api_latency_seconds": latencies}
    assert window == content["windows"][0]
    assert {"pending": 4, "sent": 3, "dead": 1} == content["alert_mails"]
    assert {"size_bytes": 100, "free_bytes": 50} == content["log_volume"]
    assert [{"replica": "a", "process": 1, "uptime_seconds": 60}] == [
        {name: one[name] for name in ("replica", "process", "uptime_seconds")} for one in content["workers"]
    ]
    nothing = describe_status(replace(overview(room=None), alerts={}), schedules())
    assert {"pending": None, "sent": None, "dead": None} == nothing["alert_mails"]
    assert {"p50": None, "p95": None, "p99": None} == nothing["windows"][0]["api_latency_seconds"]
    assert {"size_bytes": None, "free_bytes": None} == nothing["log_volume"]
