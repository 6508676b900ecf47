"""Tests of the counts in a flood's report: server faults, retries, time-outs and failures of the client."""

import json
import subprocess
import sys
from collections import Counter

import pytest

from tax_client.load.outcome_counters import decode_histogram
from tests.integration.tax_client.conftest import Place
from tests.integration.tax_client.fake_server import Reply, Request, published_reply, serving
from tests.integration.tax_client.faulty_server import Faults, serve_faults
from tests.integration.tax_client.load_runs import count_slow, run_flood
from tests.support.budget import budget
from tests.support.waiting import wait_until

COUNT = budget(4000, 20_000)
SLOW = COUNT // 1000
BURSTS = frozenset(range(COUNT // 5 + 1, COUNT // 5 + 101)) | frozenset(range(3 * COUNT // 4 + 1, 3 * COUNT // 4 + 151))
RESETS = frozenset(range(777, COUNT, COUNT // 8))


@pytest.mark.parametrize("processes", ["1", "2"])
def test_every_fault_is_counted_exactly(place: Place, processes: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The report contains the exact numbers of wrong answers, slow answers, 503 answers and reset connections."""
    with serve_faults(Faults(wrong_every=COUNT // 2, slow_every=1000, refused=BURSTS, reset=RESETS)) as server:
        options = ["--requests", str(COUNT), "--threads", "40", "--processes", processes]
        code, report = run_flood(place, server.url, *options)
    assert 1 == code
    assert COUNT == len(server.ids), "the client must send each request once, even if the connection is lost"
    total, lost = report["total"], len(RESETS)
    assert {"wrong": 2, "slow": SLOW, "refused": 250, "reset": lost} == server.did
    assert (COUNT, COUNT - 2 - 250 - lost, 2) == (total["sent"], total["right"], total["wrong"])
    assert {"status 503": 250, "connection lost": lost} == total["failures"]
    assert server.wrong_ids == {wrong["request_id"] for wrong in total["wrongs"]}
    assert sum(part["right"] for part in report["intervals"]) == total["right"]
    latencies = decode_histogram(total["latencies"])
    assert count_slow(total["latencies"]) >= SLOW
    assert COUNT - 250 - lost == latencies.total, "the latencies exclude fast 503 answers"
    assert (COUNT - lost, COUNT - lost) == (total["answered"], total["measured"]), "the counts include 503 answers"
    assert f"{COUNT} sent, {total['right']} right, 2 wrong, {250 + lost} failed" in capsys.readouterr().out


def test_retries_are_counted_separately(place: Place) -> None:
    """The flood retries each failed request with a new request id, counts the retries, and logs every attempt."""
    faults = Faults(refused=frozenset(range(100, 110)), reset=frozenset({50, 300}))
    with serve_faults(faults) as server:
        options = ["--requests", "1000", "--threads", "8", "--retries", "9"]
        code, report = run_flood(place, server.url, *options)
    assert 0 == code
    assert (1000, 1000, 12) == tuple(report["total"][name] for name in ("sent", "right", "retries"))
    assert {"status 503": 10, "connection lost": 2} == report["total"]["retried"]
    assert 1012 == len(set(server.ids)) == len(server.ids)
    lines = [event for event in place.log if event["event"] == "answer"]
    assert sorted(each.decode() for each in server.ids) == sorted(line["request_id"] for line in lines)
    assert Counter({True: 12, None: 1000}) == Counter(line.get("retried") for line in lines)


def test_a_retry_waits_for_retry_after(place: Place) -> None:
    """The flood waits for the time in Retry-After before it retries."""
    with serve_faults(Faults(refused=frozenset({5}), retry_after=1)) as server:
        code, report = run_flood(place, server.url, "--requests", "20", "--retries", "1")
    assert (0, 1) == (code, report["total"]["retries"])
    assert report["latency_ms"]["max"] >= 990


def test_latencies_include_timeouts_and_exclude_fast_rejections(place: Place) -> None:
    """The latencies include time-outs and exclude fast 503 answers, so that p99 equals the time-out.

    Of 100 requests, 10 time out and 50 get a 503. If the test machine stalls, more requests time out.
    """
    faults = Faults(slow_every=10, slow_seconds=60, refused=frozenset(n for n in range(1, 200) if 0 < n % 10 < 6))
    with serve_faults(faults) as server:
        options = ["--requests", "100", "--threads", "10", "--timeout", "2"]
        code, report = run_flood(place, server.url, *options)
    failures, right = report["total"]["failures"], report["total"]["right"]
    timeouts = failures["timeout"]
    assert (1, 100) == (code, right + timeouts + failures["status 503"])
    assert timeouts >= 10
    assert right + timeouts == decode_histogram(report["total"]["latencies"]).total
    assert report["latency_ms"]["p99"] >= 1990


def test_a_timeout_below_a_millisecond_is_effective(place: Place) -> None:
    """The client does not round a time-out of 0.5 ms to 0, because 0 would disable the time-out."""
    with serve_faults(Faults(slow_every=1, slow_seconds=1.0)) as server:
        options = ["--requests", "4", "--threads", "2", "--timeout", "0.0005"]
        code, report = run_flood(place, server.url, *options)
    failures = report["total"]["failures"]
    assert (1, 0, 4) == (code, report["total"]["right"], sum(failures.values()))
    assert "timeout" in failures


def test_missing_descriptors_are_counted_separately(place: Place) -> None:
    """If 100 connections share 64 descriptors, the report counts the missing descriptors as a separate kind of failure.

    The server delays its answers until these failures occur, because otherwise the client could reuse descriptors.
    """
    report, log = place.folder / "report.json", place.folder / "client.log"

    def answer_late(request: Request) -> Reply:
        wait_until(lambda: log.read_text().count("no descriptor left") >= 100 - 63)
        return published_reply(request)

    options = ["--requests", "100", "--threads", "100", "--processes", "1", "--json", str(report)]
    with serving(answer_late) as server:
        command = [sys.executable, "-m", "tax_client", *place.arguments("flood", server.url, *options)]
        shell = ["bash", "-c", 'ulimit -n 64; "$@"', "-", *command]
        finished = subprocess.run(shell, capture_output=True, text=True, check=False)
    assert 1 == finished.returncode, finished.stderr
    total = json.loads(report.read_text())["total"]
    assert {"no descriptor left": 100 - total["right"]} == total["failures"]
    assert 0 < total["right"] < 64
    assert "raise its limit (ulimit -n), or lower --threads" in finished.stdout


def test_a_low_limit_of_open_files_is_raised(place: Place) -> None:
    """The client raises the soft limit of 64 descriptors, so that 100 connections succeed."""
    options = ["--requests", "100", "--threads", "100", "--processes", "1"]
    with serve_faults(Faults(slow_every=1)) as server:
        command = [sys.executable, "-m", "tax_client", *place.arguments("flood", server.url, *options)]
        shell = ["bash", "-c", 'ulimit -Hn 4096; ulimit -Sn 64; "$@"', "-", *command]
        assert 0 == subprocess.run(shell, capture_output=True, check=False).returncode


def test_lost_log_lines_are_reported(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    """The report counts 202 lost log lines: 200 for the answers, one for the start and one for the end."""
    with serve_faults(Faults()) as server:
        options = ["--requests", "200", "--processes", "2", "--log-file", "/dev/full"]
        code, report = run_flood(place, server.url, *options)
    warning = "log file [/dev/full]: 202 line(s) of this run could not be written: use --log-file or LOG_FILE to name"
    assert (0, True) == (code, report["remarks"][0].startswith(warning))
    assert f"beware      {warning}" in capsys.readouterr().out


def test_many_connections_use_epoll(place: Place) -> None:
    """One process with 300 connections sends each request exactly once, even if some connections are reset."""
    with serve_faults(Faults(reset=frozenset({400, 900, 901}), refused=frozenset({1000}))) as server:
        options = ["--requests", "3000", "--threads", "300", "--processes", "1"]
        code, report = run_flood(place, server.url, *options)
    assert 1 == code
    assert 3000 == len(server.ids)
    assert {"connection lost": 3, "status 503": 1} == report["total"]["failures"]
