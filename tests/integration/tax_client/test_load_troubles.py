"""What a scripted server does wrong, the flood counts exactly; and what its figures hide or show."""

import json
import re
import socket
import subprocess
import sys
from collections import Counter
from typing import Any

import pytest

from tax_client.cli import main
from tax_client.load.counters import decode_histogram
from tests.integration.tax_client.conftest import Place
from tests.integration.tax_client.fake_server import Reply, Request, published_reply, serving
from tests.integration.tax_client.faulty_server import Faults, serve_faults
from tests.support.budget import budget
from tests.support.waiting import wait_until

COUNT = budget(4000, 20_000)
SLOW = COUNT // 1000
BURSTS = frozenset(range(COUNT // 5 + 1, COUNT // 5 + 101)) | frozenset(range(3 * COUNT // 4 + 1, 3 * COUNT // 4 + 151))
RESETS = frozenset(range(777, COUNT, COUNT // 8))


def flood(place: Place, url: str, *options: str) -> tuple[int, dict[str, Any]]:
    """The exit code of a flood, and its report."""
    report = place.folder / "report.json"
    code = place.run("flood", url, "--json", str(report), *options)
    return code, json.loads(report.read_text())


def count_slow(encoded: str) -> int:
    """Count the latencies of half a second or longer."""
    latencies = decode_histogram(encoded)
    return sum(n for bucket, n in latencies.counts.items() if latencies.compute_upper_bound(bucket) >= 500_000)


@pytest.mark.parametrize("processes", ["1", "2"])
def test_every_trouble_is_counted_exactly(place: Place, processes: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Two wrong answers, slow ones, 503 in bursts, connections reset: the report has each of them."""
    with serve_faults(Faults(wrong_every=COUNT // 2, slow_every=1000, refused=BURSTS, reset=RESETS)) as server:
        options = ["--requests", str(COUNT), "--threads", "40", "--processes", processes]
        code, report = flood(place, server.url, *options)
    assert 1 == code
    assert COUNT == len(server.ids), "a request is sent once, also when its connection is lost"
    total, lost = report["total"], len(RESETS)
    assert {"wrong": 2, "slow": SLOW, "refused": 250, "reset": lost} == server.did
    assert (COUNT, COUNT - 2 - 250 - lost, 2) == (total["sent"], total["right"], total["wrong"])
    assert {"status 503": 250, "connection lost": lost} == total["failures"]
    assert server.wrong_ids == {wrong["request_id"] for wrong in total["wrongs"]}
    assert sum(part["right"] for part in report["intervals"]) == total["right"]
    latencies = decode_histogram(total["latencies"])
    assert count_slow(total["latencies"]) >= SLOW
    assert COUNT - 250 - lost == latencies.total, "right and wrong answers; a fast 503 is no good latency"
    assert (COUNT - lost, COUNT - lost) == (total["answered"], total["measured"]), "whoever got an answer, a 503 too"
    assert f"{COUNT} sent, {total['right']} right, 2 wrong, {250 + lost} failed" in capsys.readouterr().out


def test_retries_are_counted_apart(place: Place) -> None:
    """Refused and reset requests are sent again, under new ids, until they are right; each sending has its line."""
    faults = Faults(refused=frozenset(range(100, 110)), reset=frozenset({50, 300}))
    with serve_faults(faults) as server:
        options = ["--requests", "1000", "--threads", "8", "--retries", "9"]
        code, report = flood(place, server.url, *options)
    assert 0 == code
    assert (1000, 1000, 12) == tuple(report["total"][name] for name in ("sent", "right", "retries"))
    assert {"status 503": 10, "connection lost": 2} == report["total"]["retried"]
    assert 1012 == len(set(server.ids)) == len(server.ids)
    lines = [event for event in place.log if event["event"] == "answer"]
    assert sorted(each.decode() for each in server.ids) == sorted(line["request_id"] for line in lines)
    assert Counter({True: 12, None: 1000}) == Counter(line.get("retried") for line in lines)


def test_a_retry_waits_for_what_the_server_asks(place: Place) -> None:
    """A refusal with Retry-After: 1 is sent again no sooner."""
    with serve_faults(Faults(refused=frozenset({5}), retry_after=1)) as server:
        code, report = flood(place, server.url, "--requests", "20", "--retries", "1")
    assert (0, 1) == (code, report["total"]["retries"])
    assert report["latency_ms"]["max"] >= 990


def test_an_open_loop_shows_a_stall_that_a_closed_loop_hides(place: Place) -> None:
    """The server stands still for a second: a third of all was due then, the closed loop asked but four times.

    A thousand were due in the first half of that second. Whatever the machine does, each of its own stalls delays four
    requests of a closed loop, so that even twenty of them leave it far below a tenth of those thousand.
    """
    faults = Faults(stall_at=1000, stall_seconds=1.0)
    options = ["--requests", "6000", "--threads", "4", "--processes", "1"]
    with serve_faults(faults) as server:
        _, closed = flood(place, server.url, *options)
    with serve_faults(faults) as server:
        _, opened = flood(place, server.url, *options, "--rate", "2000")
    assert closed["latency_from_send_ms"] is None
    assert opened["latency_ms"]["max"] >= 990 <= closed["latency_ms"]["max"]
    assert count_slow(opened["total"]["latencies"]) >= 990
    assert count_slow(closed["total"]["latencies"]) < 100
    assert count_slow(opened["total"]["unpaced"]) < 100, "counted from the sending it is as hidden"


def test_the_warm_up_is_checked_but_not_in_the_figures(place: Place) -> None:
    """A wrong answer in the warm-up is told, and the slow one of then is in no latency."""
    with serve_faults(Faults(wrong_every=10**9, stall_at=2, stall_seconds=0.3)) as server:
        options = ["--requests", "10", "--warm-up", "1.25", "--rate", "4", "--processes", "1"]
        code, report = flood(place, server.url, *options)
    total = report["total"]
    assert (1, 10, 1) == (code, total["sent"], total["wrong"])
    assert 5 == decode_histogram(total["latencies"]).total, "those that were due after it"
    assert 5 <= total["measured"] < 10, "those that were answered after it"
    assert 1.25 == report["measured_from_seconds"]


def test_a_server_that_keeps_up_has_the_rate_it_is_asked_for(place: Place) -> None:
    """With a ramp-up and a warm-up figures begin after both: they have the whole rate, not that of the growth."""
    with serve_faults(Faults()) as server:
        options = ["--ramp-up", "1", "--warm-up", "0.5", "--rate", "200", "--duration", "3"]
        _, report = flood(place, server.url, *options)
    total = report["total"]
    assert (1.5, 3.0) == (report["measured_from_seconds"], report["measured_until_seconds"])
    assert 500 == total["right"] + total["unsent"], "a machine that stands still at the end leaves some unsent"
    assert 300 - total["unsent"] <= decode_histogram(total["latencies"]).total <= 300
    assert report["answers_per_second"] == pytest.approx(total["measured"] / 1.5)


def test_what_is_on_its_way_at_the_end_is_waited_for_and_not_in_the_throughput(place: Place) -> None:
    """Ten connections whose answers take 2 s: within 3 s ten come, the ten others are right, too late.

    On a machine that stands still the first ten may be the last, and any of them too late.
    """
    with serve_faults(Faults(slow_every=1, slow_seconds=2)) as server:
        code, report = flood(place, server.url, "--duration", "3", "--threads", "10", "--processes", "1")
    total = report["total"]
    assert (0, total["sent"]) == (code, total["right"])
    assert total["sent"] == decode_histogram(total["latencies"]).total
    assert total["sent"] - 10 <= total["measured"] <= 10
    assert pytest.approx(total["measured"] / 3) == report["answers_per_second"]


def test_time_outs_have_a_latency_and_fast_refusals_none(place: Place) -> None:
    """A tenth times out, half is refused at once: p99 is that of the time-outs, not of others.

    On a machine that stands still others may time out as well.
    """
    faults = Faults(slow_every=10, slow_seconds=60, refused=frozenset(n for n in range(1, 200) if 0 < n % 10 < 6))
    with serve_faults(faults) as server:
        options = ["--requests", "100", "--threads", "10", "--timeout", "2"]
        code, report = flood(place, server.url, *options)
    failures, right = report["total"]["failures"], report["total"]["right"]
    timeouts = failures["timeout"]
    assert (1, 100) == (code, right + timeouts + failures["status 503"])
    assert timeouts >= 10
    assert right + timeouts == decode_histogram(report["total"]["latencies"]).total
    assert report["latency_ms"]["p99"] >= 1990


def test_a_time_out_of_less_than_a_millisecond_is_one(place: Place) -> None:
    """Half a millisecond is no leave to wait for ever: a server that takes a second is not waited for."""
    with serve_faults(Faults(slow_every=1, slow_seconds=1.0)) as server:
        options = ["--requests", "4", "--threads", "2", "--timeout", "0.0005"]
        code, report = flood(place, server.url, *options)
    failures = report["total"]["failures"]
    assert (1, 0, 4) == (code, report["total"]["right"], sum(failures.values()))
    assert "timeout" in failures


def test_a_client_that_may_open_no_more_files_blames_itself(place: Place) -> None:
    """With 64 descriptors a hundred connections cannot be: what is not sent for that is a kind of its own.

    Nobody is answered before: a descriptor that becomes free would be used again.
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
    assert "raise its limit (ulimit -n), or give fewer --threads" in finished.stdout


def test_a_low_limit_of_open_files_is_raised(place: Place) -> None:
    """With 64 descriptors that may be 4,096 a hundred connections are no trouble."""
    options = ["--requests", "100", "--threads", "100", "--processes", "1"]
    with serve_faults(Faults(slow_every=1)) as server:
        command = [sys.executable, "-m", "tax_client", *place.arguments("flood", server.url, *options)]
        shell = ["bash", "-c", 'ulimit -Hn 4096; ulimit -Sn 64; "$@"', "-", *command]
        assert 0 == subprocess.run(shell, capture_output=True, check=False).returncode


def test_a_server_that_is_not_there_answers_nothing(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    """Refused connections are no throughput, however many there are a second."""
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))  # kept, so that no one else listens there
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        code, report = flood(place, url, "--requests", "200", "--fail-if", "rate<300")
    assert (1, 0, 0.0) == (code, report["total"]["answered"], report["answers_per_second"])
    assert {"connection refused": 200} == report["total"]["failures"]
    assert "threshold   rate<300: failed, 0" in capsys.readouterr().out


def test_an_open_loop_without_a_free_connection_says_what_it_did_not_send(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every answer takes half a second over one connection: of ten requests due in a second most are never sent.

    Those are errors, though all that was answered is right.
    """
    with serve_faults(Faults(slow_every=1)) as server:
        options = ["--duration", "1", "--rate", "10", "--threads", "1"]
        code, report = flood(place, server.url, *options, "--fail-if", "errors>0")
    total = report["total"]
    assert 10 == total["sent"] + total["unsent"]
    assert total["unsent"] >= 6
    assert (1, total["sent"]) == (code, total["right"])
    out = capsys.readouterr().out
    assert "were due and never sent" in out
    assert f"threshold   errors>0: failed, {total['unsent']}" in out


def test_thresholds_decide_the_exit_code(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    """All answers are right; a limit that is passed fails the run, one that is kept does not."""
    with serve_faults(Faults(slow_every=50)) as server:
        assert 0 == place.run("flood", server.url, "--requests", "200", "--fail-if", "max>60s", "--fail-if", "errors>0")
        assert 1 == place.run("flood", server.url, "--requests", "200", "--fail-if", "p99.9>400ms")
    out = capsys.readouterr().out
    assert "threshold   errors>0: passed, 0" in out
    found = re.search(r"threshold   p99\.9>400ms: failed, ([\d.]+)ms", out)
    assert found
    assert float(found[1]) >= 490


def test_a_condition_may_allow_some_errors(place: Place) -> None:
    """One wrong answer of 500 fails a run, but not one of which a hundredth may be; of a merge the same holds."""
    report = str(place.folder / "report.json")
    with serve_faults(Faults(wrong_every=500)) as server:
        assert 1 == place.run("flood", server.url, "--requests", "500")
        options = ["--requests", "500", "--json", report, "--fail-if", "errors>1%"]
        assert 0 == place.run("flood", server.url, *options)
    merged = [main(["merge", report, *conditions]) for conditions in ([], ["--fail-if", "wrong>1"])]
    assert [1, 0] == merged


def test_what_the_log_lacks_is_said(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    """Of 200 answers by two processes no line can be written, nor of the begin and the end: the reports say so."""
    with serve_faults(Faults()) as server:
        options = ["--requests", "200", "--processes", "2", "--log-file", "/dev/full"]
        code, report = flood(place, server.url, *options)
    said = "log file [/dev/full]: 202 line(s) of this run could not be written: give a place"
    assert (0, True) == (code, report["remarks"][0].startswith(said))
    assert f"beware      {said}" in capsys.readouterr().out


def test_many_connections_are_watched_without_looking_at_each(place: Place) -> None:
    """Three hundred connections of one process, some of them reset: each request is sent once and counted."""
    with serve_faults(Faults(reset=frozenset({400, 900, 901}), refused=frozenset({1000}))) as server:
        options = ["--requests", "3000", "--threads", "300", "--processes", "1"]
        code, report = flood(place, server.url, *options)
    assert 1 == code
    assert 3000 == len(server.ids)
    assert {"connection lost": 3, "status 503": 1} == report["total"]["failures"]
