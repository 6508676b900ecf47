"""Tests of the command `calculate` against a server with scripted answers."""

import base64
import itertools
import threading
from pathlib import Path

import pytest

from tax_client.cli import main
from tests.integration.tax_client.conftest import Place
from tests.integration.tax_client.fake_server import (
    PUBLISHED,
    Reply,
    Request,
    echo_reply,
    published_reply,
    serving,
)


def test_sample_file_gives_the_published_results(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    """The client writes the published results of the sample file in order, lists the bad lines, and exits with 0."""
    with serving(published_reply) as server:
        assert 0 == place.run("calculate", server.url)
    assert PUBLISHED == place.results
    assert [8, 9, 10, 11, 14, 15, 16, 20] == [error["line"] for error in place.errors]
    assert "11 calculated, 0 not calculated, 8 bad line(s)" in capsys.readouterr().out


def test_a_request_carries_parameters_credentials_and_an_id(place: Place) -> None:
    """Each request contains three parameters, the credentials in UTF-8, and a request id that the client logs."""
    with serving(published_reply) as server:
        place.run("calculate", server.url + "/tax", place.write("1,oui,2,55555\n"))
    (request,) = server.requests
    assert "/tax/" == request.path
    assert [("married", "yes"), ("children", "2"), ("salary", "55555")] == request.query
    assert "Basic " + base64.b64encode("admin:pass:é".encode()).decode() == request.headers["Authorization"]
    request_id = request.headers["X-Request-ID"]
    assert 16 == len(bytes.fromhex(request_id))
    logged = [event["event"] for event in place.log if event.get("request_id") == request_id]
    assert ["calculation_start", "calculation_end"] == logged
    assert {"client"} == {event["service"] for event in place.log}


def test_debug_logs_the_raw_answer(place: Place) -> None:
    """With --debug the client logs the raw answer to each request, but does not log the password."""
    with serving(published_reply) as server:
        place.run("calculate", server.url, "--debug")
    raw = [event for event in place.log if event["event"] == "raw_answer"]
    assert [200] * 11 == [event["status"] for event in raw]
    assert {request.headers["X-Request-ID"] for request in server.requests} == {e["request_id"] for e in raw}
    assert '"tax":2814' in "".join(event["body"] for event in raw)
    assert "pass:" not in (place.folder / "client.log").read_text()


def test_text_log_lines_have_the_documented_format(place: Place) -> None:
    """Each line of the text log contains the date, the thread, the field `place` in brackets and the message."""
    with serving(published_reply) as server:
        place.run("calculate", server.url, place.write("1,yes,2,55555\n"), "--log-format", "text")
    lines = [line.split(", ", 1)[1] for line in (place.folder / "client.log").read_text().splitlines()]
    assert "Thread-1: [run] start of thread [Thread-1] with 1 taxpayer(s)" == lines[1]
    household = '{"id": 1, "married": "yes", "children": 2, "salary": 55555}'
    assert lines[2].startswith(f"Thread-1: [run] start of the calculation of tax for {household} (")
    assert "Thread-1: [run] end of thread [Thread-1]" == lines[4]


def test_all_threads_run_at_once(place: Place) -> None:
    """A client with forty threads has forty requests in flight at the same time."""
    barrier, numbers = threading.Barrier(40, timeout=60), itertools.count()

    def together(request: Request) -> Reply:
        if next(numbers) < 40:
            barrier.wait()
        return echo_reply(request)

    # The client gives a thread at most four taxpayers at a time, so 160 taxpayers are enough for 40 threads.
    lines = "".join(f"{number},no,0,0\n" for number in range(160))
    with serving(together) as server:
        assert 0 == place.run("calculate", server.url, place.write(lines), "--max-threads", "40")
    assert not barrier.broken
    assert list(range(160)) == [result["id"] for result in place.results]
    assert 40 == len(server.connections)


def test_the_number_of_threads_is_limited(place: Place) -> None:
    """With --max-threads 3 the client calculates all taxes with at most three requests in flight."""
    lock, running, most = threading.Lock(), 0, 0

    def counted(request: Request) -> Reply:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        reply = echo_reply(request)
        with lock:
            running -= 1
        return reply

    source = place.write("".join(f"{number},no,0,5\n" for number in range(50)))
    with serving(counted) as server:
        assert 0 == place.run("calculate", server.url, source, "--max-threads", "3")
    assert most <= 3
    assert list(range(50)) == [result["id"] for result in place.results]
    threads = {event["thread"] for event in place.log if event["event"] == "thread_start"}
    assert {"Thread-1", "Thread-2", "Thread-3"} == threads


def test_results_replace_the_target_of_a_link(place: Place) -> None:
    """If the results file is a symbolic link, the client replaces the target and leaves no temporary file."""
    target = place.folder / "kept.json"
    target.write_text("old")
    (place.folder / "results.json").symlink_to(target)
    with serving(echo_reply) as server:
        assert 0 == place.run("calculate", server.url, place.write("1,no,0,5\n"))
    assert (place.folder / "results.json").is_symlink()
    assert [1] == [result["id"] for result in place.results]
    assert [] == [path.name for path in place.folder.iterdir() if path.name.endswith(".tmp")]


def test_the_settings_come_from_the_environment(place: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without options the client reads its settings from environment variables."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "taxpayers.txt").write_text("5,no,1,7\n")
    monkeypatch.chdir(tmp_path)
    with serving(echo_reply) as server:
        for name, value in {
            "TAX_URL": server.url,
            "TAX_CREDENTIALS_FILE": str(tmp_path / "credentials"),
            "LOG_FILE": str(tmp_path / "logs" / "client.log"),
            "TAX_DATA": str(tmp_path / "data"),
        }.items():
            monkeypatch.setenv(name, value)
        assert 0 == main(["calculate"])
    assert [5] == [result["id"] for result in place.results]
    assert (tmp_path / "logs" / "client.log").is_file()


def test_lost_log_lines_are_reported_at_the_end(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    """If log lines are lost, the client writes complete results and prints the number of lost lines at the end."""
    with serving(echo_reply) as server:
        arguments = place.arguments("calculate", server.url, place.write("1,no,0,5\n"), "--log-file", "/dev/full")
        assert 0 == main(arguments)
    assert [1] == [result["id"] for result in place.results]
    *_, last = capsys.readouterr().err.splitlines()
    assert last.startswith("tax-client: log file [/dev/full]: 6 line(s) of this run could not be written: use --log")
