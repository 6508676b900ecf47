"""The metrics of a real service: exact counts, killed and recycled workers, and the port of the metrics."""

import os
import random
import signal
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest

from tests.support.metrics import Metrics, scrape
from tests.support.service import COMMAND, Service, environment, flood, running_service
from tests.support.waiting import free_port, wait_until

GOOD = "/?year=2025&married=yes&children=2&salary=50000"
KILLS = 100
HOUSEHOLD = '{"married": "no", "children": 0, "salary": 30000, "year": 2024}'


@contextmanager
def measured_service(folder: Path, **settings: str) -> Iterator[tuple[Service, int]]:
    """Run a service, and yield it with the port of its metrics."""
    port = free_port()
    with running_service(folder, METRICS_BIND=f"127.0.0.1:{port}", **settings) as service:
        wait_until(lambda: read_or_nothing(port))
        yield service, port


def read_or_nothing(port: int) -> Metrics | None:
    """Read the metrics. Return None if nothing answers, because the worker that held the port has just ended."""
    try:
        return scrape(port)
    except OSError:
        return None


def read_after_kills(port: int, kills: int) -> Metrics | None:
    """Read the metrics. Return None if they do not contain this number of ended workers yet."""
    found = read_or_nothing(port)
    return found if found and found.sum("worker_exits_total") >= kills else None


def list_workers(service: Service) -> list[int]:
    said = subprocess.run(["pgrep", "--parent", str(service.process.pid)], capture_output=True, text=True, check=False)
    return [int(pid) for pid in said.stdout.split()]


def test_mixed_outcomes_are_counted_exactly(tmp_path: Path) -> None:
    """The counts by route and status equal the client's counts. So do the calculations, batches and logins."""
    with measured_service(tmp_path, BATCH_MAX="3", DRILL_ROUTE="on") as (service, port):
        targets = [GOOD] * 400 + ["/?year=2025"] * 100 + ["/nothing"] * 60 + ["/drill"] * 3 + ["/curve"] * 40
        random.shuffle(targets)
        statuses = Counter(flood(service.port, service.credentials, targets, 16))
        for credentials in (None, "client:wrong"):
            statuses[service.get(GOOD, credentials).status] += 1
        for body in (HOUSEHOLD, f"[{HOUSEHOLD}, {HOUSEHOLD}, {{}}]", f"[{','.join([HOUSEHOLD] * 4)}]"):
            statuses[service.post(body, "application/json").status] += 1
        statuses[service.post("x", "text/plain").status] += 1
        statuses[service.get(GOOD, method="DELETE").status] += 1
        statuses[service.raw(b"GET / HTTP/1.1\r\nbad header\r\n\r\n").status] += 1
        curve = "/curve?year=2025&married=yes&children=2&from=0&to=1000&step=100"
        statuses[service.get(curve).status] += 1
        found = scrape(port)
        counted = Counter(found.group("requests_total", "status"))
        counted -= Counter(found.group("requests_total", "status", route="/health/ready"))
    assert {str(status): count for status, count in statuses.items()} == counted
    assert {200: 403, 400: 141, 401: 2, 404: 60, 405: 1, 413: 1, 415: 1, 500: 3} == statuses
    assert {"400": 40, "200": 1} == found.group("requests_total", "status", route="/curve")
    assert {"household": 401, "batch": 2, "curve": 1} == found.group("calculations_total", "kind")
    assert {"2025": 401, "2024": 3} == found.group("calculations_total", "year")
    assert (1, 3) == (found.sum("batch_households_count"), found.sum("batch_households_sum"))
    logins = found.group("logins_total", "outcome")
    assert (1, 1) == (logins["missing"], logins["wrong"])
    lines = len(service.log_lines())
    assert lines / 2 < found.sum("log_lines_written_total") <= lines
    malformed = 1  # such a request has no duration
    assert found.sum("requests_total") == found.sum("request_duration_seconds_count") + malformed


@pytest.mark.parametrize(("number", "reason"), [(signal.SIGTERM, "ended"), (signal.SIGABRT, "killed")])
def test_the_end_of_a_worker_has_a_reason(tmp_path: Path, number: signal.Signals, reason: str) -> None:
    """A worker that stops on request counts as ended. A worker that gunicorn aborts counts as killed."""
    with measured_service(tmp_path) as (service, port):
        os.kill(list_workers(service)[0], number)
        found = wait_until(partial(read_after_kills, port, 1))
        wait_until(lambda: len(list_workers(service)) == 2)
    assert {reason: 1} == found.group("worker_exits_total", "reason")


def test_requests_outside_the_logs_are_counted(tmp_path: Path) -> None:
    """With LOG_SAMPLE=0, the metrics count the successful requests, which have no lines in the log."""
    with measured_service(tmp_path, LOG_SAMPLE="0") as (service, port):
        targets = [GOOD] * 60 + ["/?year=2025"] * 20
        assert {200: 60, 400: 20} == Counter(flood(service.port, service.credentials, targets, 8))
        found = scrape(port)
    assert {"200": 60, "400": 20} == found.group("requests_total", "status", route="/")
    assert {"household": 60} == found.group("calculations_total", "kind")
    assert [400] * 20 == [record["status"] for record in service.log() if record["event"] == "answer"]


@dataclass
class Client:
    """A client that repeats a request in several threads, and counts the requests and the responses."""

    service: Service
    sent: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    over: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self) -> None:
        while not self.over.is_set():
            with self.lock:
                self.sent += 1
            try:
                status = self.service.get(GOOD).status
            except (OSError, ValueError, IndexError):  # the worker was killed
                continue
            with self.lock:
                self.statuses[status] += 1

    @contextmanager
    def running(self) -> Iterator[None]:
        """Send requests while the `with` block runs."""
        threads = [threading.Thread(target=self.run) for _ in range(4)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self.over.set()
            for thread in threads:
                thread.join()


def test_counts_survive_killed_workers(tmp_path: Path) -> None:
    """After each kill, another worker exposes the metrics, and no counter falls.

    The count lies between the numbers of answered and sent requests.
    """
    with measured_service(tmp_path, WORKERS="3") as (service, port):
        client, former = Client(service), scrape(port)
        with client.running():
            for number in range(1, KILLS + 1):
                os.kill(random.choice(wait_until(lambda: list_workers(service))), signal.SIGKILL)
                found = wait_until(partial(read_after_kills, port, number))
                assert {} == found.find_falls(former)
                former = found
        found = scrape(port)
    assert {"killed": KILLS} == found.group("worker_exits_total", "reason")
    assert {200} == set(client.statuses)
    counted = found.sum("requests_total", method="GET", route="/", status="200")
    assert KILLS < client.statuses[200] <= counted <= client.sent


def test_recycled_workers_count_exactly(tmp_path: Path) -> None:
    """Workers that are replaced after MAX_REQUESTS lose no count. The history contains all requests."""
    with measured_service(tmp_path, MAX_REQUESTS="20") as (service, port):
        assert {200} == set(flood(service.port, service.credentials, [GOOD] * 600, 4))
        found = wait_until(lambda: read_or_nothing(port))
        assert 600 == found.sum("requests_total", route="/", status="200")
        assert found.sum("worker_exits_total", reason="ended") >= 10
        assert 0 == found.sum("worker_exits_total", reason="killed")
        wait_until(lambda: 600 == count_last_hour(service))


def count_last_hour(service: Service) -> int:
    """Return the number of requests of the last hour in the status."""
    windows = service.get("/status", Accept="application/json").body["response"]["status"]["windows"]
    return int(windows[-1]["requests"])


def test_the_history_survives_a_restart(tmp_path: Path) -> None:
    """After a restart, the status contains the requests of the last hour, and the counters begin at zero."""
    for expected in (50, 100):
        with measured_service(tmp_path) as (service, port):
            flood(service.port, service.credentials, [GOOD] * 50, 4)
            assert 50 == scrape(port).sum("requests_total", route="/")
            wait_until(lambda expected=expected, service=service: expected == count_last_hour(service))


def test_the_api_does_not_expose_the_metrics(tmp_path: Path) -> None:
    """The port of the API has no metrics. Without METRICS_BIND, no port has them."""
    with running_service(tmp_path) as service:
        assert 404 == service.get("/metrics").status


def test_a_used_port_is_an_error(tmp_path: Path) -> None:
    """If another program uses the port of the metrics, the service exits with code 64 and names the setting."""
    with measured_service(tmp_path) as (_, port):
        other = environment(tmp_path, 1, BIND="127.0.0.1:0", METRICS_BIND=f"127.0.0.1:{port}")
        refused = subprocess.run([*COMMAND, "sqlite"], env=other, capture_output=True, text=True, check=False)
    assert 64 == refused.returncode
    assert f"cannot listen on 127.0.0.1:{port}" in refused.stderr
    assert "set METRICS_BIND to another address" in refused.stderr


def test_metrics_follow_the_conventions(tmp_path: Path) -> None:
    """Each metric has a text. No label contains a login name, an address or an amount."""
    with measured_service(tmp_path) as (service, port):
        assert 200 == service.get(GOOD).status
        families = scrape(port).families
    assert len(families) > 25
    for name, family in families.items():
        assert family.documentation, name
    labels = {label for family in families.values() for sample in family.samples for label in sample.labels}
    known = "method route status le kind year outcome state version database reason volume"
    assert labels <= set(known.split())
    values = {value for family in families.values() for sample in family.samples for value in sample.labels.values()}
    assert {"client", "127.0.0.1", "50000"}.isdisjoint(values)
