"""Tests of the latencies, throughput, unsent requests and thresholds of a flood. The server causes scripted faults."""

import re
import socket

import pytest

from tax_client.cli import main
from tax_client.load.outcome_counters import decode_histogram
from tests.integration.tax_client.conftest import Place
from tests.integration.tax_client.faulty_server import Faults, serve_faults
from tests.integration.tax_client.load_runs import count_slow, run_flood


def test_an_open_loop_shows_a_stall_that_a_closed_loop_hides(place: Place) -> None:
    """An open loop reports many slow requests when the server stalls for 1 s, but a closed loop reports only a few.

    In the open loop, 1,000 requests are due in the first half of the stall, and each waits at least 0.5 s. In the
    closed loop, each stall of the server or of the test machine delays only four requests.
    """
    faults = Faults(stall_at=1000, stall_seconds=1.0)
    options = ["--requests", "6000", "--threads", "4", "--processes", "1"]
    with serve_faults(faults) as server:
        _, closed = run_flood(place, server.url, *options)
    with serve_faults(faults) as server:
        _, opened = run_flood(place, server.url, *options, "--rate", "2000")
    assert closed["latency_from_send_ms"] is None
    assert opened["latency_ms"]["max"] >= 990 <= closed["latency_ms"]["max"]
    assert count_slow(opened["total"]["latencies"]) >= 990
    assert count_slow(closed["total"]["latencies"]) < 100
    assert count_slow(opened["total"]["unpaced"]) < 100, "latencies that start at the send time must hide the stall"


def test_the_warm_up_is_checked_but_not_measured(place: Place) -> None:
    """The report counts a wrong answer during the warm-up, but excludes all latencies of the warm-up."""
    with serve_faults(Faults(wrong_every=10**9, stall_at=2, stall_seconds=0.3)) as server:
        options = ["--requests", "10", "--warm-up", "1.25", "--rate", "4", "--processes", "1"]
        code, report = run_flood(place, server.url, *options)
    total = report["total"]
    assert (1, 10, 1) == (code, total["sent"], total["wrong"])
    assert 5 == decode_histogram(total["latencies"]).total, "the latencies exclude the warm-up"
    assert 5 <= total["measured"] < 10, "the throughput excludes the warm-up"
    assert 1.25 == report["measured_from_seconds"]


def test_a_server_that_keeps_up_has_the_planned_rate(place: Place) -> None:
    """The report measures throughput and latencies only after the ramp-up and the warm-up, at the constant rate."""
    with serve_faults(Faults()) as server:
        options = ["--ramp-up", "1", "--warm-up", "0.5", "--rate", "200", "--duration", "3"]
        _, report = run_flood(place, server.url, *options)
    total = report["total"]
    assert (1.5, 3.0) == (report["measured_from_seconds"], report["measured_until_seconds"])
    assert 500 == total["right"] + total["unsent"], "each due request must be right, or unsent because of a stall"
    assert 300 - total["unsent"] <= decode_histogram(total["latencies"]).total <= 300
    assert report["answers_per_second"] == pytest.approx(total["measured"] / 1.5)


def test_requests_in_flight_at_the_end_are_not_in_the_throughput(place: Place) -> None:
    """The throughput of a run of 3 s excludes later answers, but the report counts later answers as right.

    Each of ten connections gets answers after 2 s and 4 s, or fewer answers if the test machine stalls.
    """
    with serve_faults(Faults(slow_every=1, slow_seconds=2)) as server:
        code, report = run_flood(place, server.url, "--duration", "3", "--threads", "10", "--processes", "1")
    total = report["total"]
    assert (0, total["sent"]) == (code, total["right"])
    assert total["sent"] == decode_histogram(total["latencies"]).total
    assert total["sent"] - 10 <= total["measured"] <= 10
    assert pytest.approx(total["measured"] / 3) == report["answers_per_second"]


def test_refused_connections_do_not_count_as_throughput(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    """Refused connections do not count as answers or throughput."""
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))  # remains open, so that no other process listens on the port
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        code, report = run_flood(place, url, "--requests", "200", "--fail-if", "rate<300")
    assert (1, 0, 0.0) == (code, report["total"]["answered"], report["answers_per_second"])
    assert {"connection refused": 200} == report["total"]["failures"]
    assert "threshold   rate<300: failed, 0" in capsys.readouterr().out


def test_an_open_loop_reports_unsent_requests(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    """A due request that the client never sends counts as an error, even if every answer is right.

    Ten requests are due within 1 s, but the only connection needs 0.5 s for each answer.
    """
    with serve_faults(Faults(slow_every=1)) as server:
        options = ["--duration", "1", "--rate", "10", "--threads", "1"]
        code, report = run_flood(place, server.url, *options, "--fail-if", "errors>0")
    total = report["total"]
    assert 10 == total["sent"] + total["unsent"]
    assert total["unsent"] >= 6
    assert (1, total["sent"]) == (code, total["right"])
    out = capsys.readouterr().out
    assert "were due but never sent" in out
    assert f"threshold   errors>0: failed, {total['unsent']}" in out


def test_thresholds_decide_the_exit_code(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    """A run that got only right answers exits with 1 if a --fail-if condition is true, and otherwise with 0."""
    with serve_faults(Faults(slow_every=50)) as server:
        assert 0 == place.run("flood", server.url, "--requests", "200", "--fail-if", "max>60s", "--fail-if", "errors>0")
        assert 1 == place.run("flood", server.url, "--requests", "200", "--fail-if", "p99.9>400ms")
    out = capsys.readouterr().out
    assert "threshold   errors>0: passed, 0" in out
    found = re.search(r"threshold   p99\.9>400ms: failed, ([\d.]+)ms", out)
    assert found
    assert float(found[1]) >= 490


def test_a_threshold_can_allow_errors(place: Place) -> None:
    """A run or a merge with a wrong answer exits with 1 unless a threshold allows the error."""
    report = str(place.folder / "report.json")
    with serve_faults(Faults(wrong_every=500)) as server:
        assert 1 == place.run("flood", server.url, "--requests", "500")
        options = ["--requests", "500", "--json", report, "--fail-if", "errors>1%"]
        assert 0 == place.run("flood", server.url, *options)
    merged = [main(["merge", report, *conditions]) for conditions in ([], ["--fail-if", "wrong>1"])]
    assert [1, 0] == merged
