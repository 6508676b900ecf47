"""The command `calculate`, whole, against a server whose answers are scripted."""

import base64
import itertools
import socket
import threading
from pathlib import Path
from typing import Any

import pytest

from tax_client.cli import main
from tests.integration.tax_client.conftest import Place
from tests.integration.tax_client.fake_server import (
    PUBLISHED,
    Reply,
    Request,
    Script,
    echo_reply,
    published_reply,
    result_body,
    serving,
)


def test_the_published_run(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    """The sample gives the eleven published results in order, its bad lines in the errors file, exit code 0."""
    with serving(published_reply) as server:
        assert 0 == place.run("calculate", server.url)
    assert PUBLISHED == place.results
    assert [8, 9, 10, 11, 14, 15, 16, 20] == [error["line"] for error in place.errors]
    assert "11 calculated, 0 not calculated, 8 bad line(s)" in capsys.readouterr().out


def test_what_a_request_carries(place: Place) -> None:
    """A request has the three parameters, the credentials in UTF-8, and an id of 32 hex digits found in the log."""
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


def test_the_raw_answer_is_logged_when_debug_is_on(place: Place) -> None:
    """With --debug each request has one more line, its raw answer; the password is in no line."""
    with serving(published_reply) as server:
        place.run("calculate", server.url, "--debug")
    raw = [event for event in place.log if event["event"] == "raw_answer"]
    assert [200] * 11 == [event["status"] for event in raw]
    assert {request.headers["X-Request-ID"] for request in server.requests} == {e["request_id"] for e in raw}
    assert '"tax":2814' in "".join(event["body"] for event in raw)
    assert "pass:" not in (place.folder / "client.log").read_text()


def test_the_text_log_has_the_reference_s_sentences(place: Place) -> None:
    """In text form a line is date, thread, place and the reference's sentence."""
    with serving(published_reply) as server:
        place.run("calculate", server.url, place.write("1,yes,2,55555\n"), "--log-format", "text")
    lines = [line.split(", ", 1)[1] for line in (place.folder / "client.log").read_text().splitlines()]
    assert "Thread-1: [run] start of thread [Thread-1] with 1 taxpayer(s)" == lines[1]
    household = '{"id": 1, "married": "yes", "children": 2, "salary": 55555}'
    assert lines[2].startswith(f"Thread-1: [run] start of the calculation of tax for {household} (")
    assert "Thread-1: [run] end of thread [Thread-1]" == lines[4]


def test_all_threads_run_at_once(place: Place) -> None:
    """The server answers nobody until one request of each of forty threads is there."""
    barrier, numbers = threading.Barrier(40, timeout=60), itertools.count()

    def together(request: Request) -> Reply:
        if next(numbers) < 40:
            barrier.wait()
        return echo_reply(request)

    # Groups have at most four taxpayers: of 160, at least forty groups, whose first forty requests meet.
    lines = "".join(f"{number},no,0,0\n" for number in range(160))
    with serving(together) as server:
        assert 0 == place.run("calculate", server.url, place.write(lines), "--max-threads", "40")
    assert not barrier.broken
    assert list(range(160)) == [result["id"] for result in place.results]
    assert 40 == len(server.connections)


def test_beyond_the_limit_no_more_threads_run(place: Place) -> None:
    """With --max-threads 3 there are never more than three requests at once, and all taxpayers are calculated."""
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


def wrong_echo(_request: Request) -> Reply:
    """The result of another household, always the same."""
    return published_reply(Request("/", [("married", "no"), ("children", "0"), ("salary", "200000")], {}))


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (
            lambda _: (400, b'{"response": {"errors": ["wrong year"]}}'),
            "status 400: expected a result, the server reported [wrong year]: see the limits",
        ),
        (
            lambda _: (500, b'{"response": {"errors": ["down", "id 7"]}}'),
            "status 500: expected a result, the server reported [down; id 7]",
        ),
        (lambda _: (200, b"<html>hello</html>"), "not JSON: expected a JSON result, got [<html>hello</html>]"),
        (lambda _: (200, result_body({"married": "yes"})), "wrong shape: expected"),
        (lambda _: (302, b""), "status 302: expected a result"),
        (wrong_echo, "wrong echo: expected the result of (married, children, salary) ('yes', 2, 55555)"),
    ],
)
def test_a_failure_is_in_the_errors_file_and_stops_no_other(place: Place, script: Script, reason: str) -> None:
    """Whatever the answer, that taxpayer alone fails, its reason and request id are listed, exit code 1."""
    with serving(lambda request: script(request) if request.salary == 55555 else published_reply(request)) as server:
        assert 1 == place.run("calculate", server.url)
    assert PUBLISHED[1:] == place.results
    (error,) = [error for error in place.errors if "id" in error]
    assert 1 == error["id"]
    assert error["reason"].startswith(reason)
    (sent,) = [request for request in server.requests if request.salary == 55555]
    assert sent.headers["X-Request-ID"] == error["request_id"]


def test_a_refused_connection(place: Place) -> None:
    """When nothing listens, every taxpayer is listed with a reason that says so; the results file is empty."""
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))  # kept, so that no one else listens there
        port = deaf.getsockname()[1]
        url, source = f"http://127.0.0.1:{port}", place.write("1,no,0,5\n2,no,0,5\n")
        assert 1 == place.run("calculate", url, source, "--retries", "1")
    assert [] == place.results
    assert [1, 2] == [error["id"] for error in place.errors]
    expected = f"connection refused: expected a server at http://127.0.0.1:{port}/, nothing listens there: start it"
    assert [True] * 2 == [error["reason"].startswith(expected) for error in place.errors]


def test_a_silent_server_times_out(place: Place) -> None:
    """A server that accepts and says nothing is a time-out, which names the limit to raise."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        assert 1 == place.run("calculate", url, place.write("1,no,0,5\n"), "--timeout", "0.05", "--retries", "0")
    (error,) = place.errors
    assert f"timeout: expected an answer from {url}/ within 0.05 s" in error["reason"]


def test_a_connection_cut_in_the_middle(place: Place) -> None:
    """A server that hangs up before its answer is a lost connection; without retries the request is not sent twice."""
    seen: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def hang_up() -> None:
            connection, _address = server.accept()
            with connection:
                seen.append(connection.recv(65536))

        thread = threading.Thread(target=hang_up)
        thread.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        assert 1 == place.run("calculate", url, place.write("1,no,0,5\n"), "--retries", "0")
        thread.join()
    assert 1 == len(seen)
    assert place.errors[0]["reason"].startswith("connection lost: expected a complete answer")


def test_no_valid_line_is_an_error(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    """A file without a valid line exits 2 with one sentence, its bad lines listed, former results untouched."""
    (place.folder / "results.json").write_text("[]")
    assert 2 == place.run("calculate", "http://127.0.0.1:9", place.write("# nobody\n1,yes\n"))
    assert [2] == [error["line"] for error in place.errors]
    assert [] == place.results
    message = capsys.readouterr().err
    assert "no valid taxpayer, 1 bad line(s)" in message
    assert 1 == len(message.splitlines())


def test_files_that_cannot_be_used_stop_before_any_request(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    """Each unusable file is one sentence and exit code 2, and the server sees nothing."""
    folder, missing = str(place.folder), str(place.folder / "no" / "file")
    source = place.write("1,no,0,5\n")
    with serving(echo_reply) as server:
        for more in (
            [missing],
            [folder],
            [source, "--results", missing],
            [source, "--errors", missing],
            [source, "--results", folder],
            [source, "--errors", "/dev/null"],
            [source, "--errors", source],
            [source, "--results", folder + "/errors.jsonl"],
            [source, "--log-file", folder],
            [source, "--credentials-file", missing],
            [source, "--credentials-file", source],
        ):
            assert 2 == place.run("calculate", server.url, *more)
            message = capsys.readouterr().err
            assert message.startswith("tax-client: ")
            assert 1 == len(message.splitlines())
    assert [] == server.requests
    assert {"taxpayers.txt", "credentials", "client.log"} == {path.name for path in place.folder.iterdir()}


def test_a_results_file_is_replaced_through_a_link_and_leaves_no_draft(place: Place) -> None:
    """Results replace the file a link points to, with ordinary rights, and no temporary file stays."""
    target = place.folder / "kept.json"
    target.write_text("old")
    (place.folder / "results.json").symlink_to(target)
    with serving(echo_reply) as server:
        assert 0 == place.run("calculate", server.url, place.write("1,no,0,5\n"))
    assert (place.folder / "results.json").is_symlink()
    assert [1] == [result["id"] for result in place.results]
    assert [] == [path.name for path in place.folder.iterdir() if path.name.endswith(".tmp")]


def test_the_settings_come_from_the_environment(place: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without options, the variables name the service, the credentials, the log and the data."""
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


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "COMMAND"),
        (["fly"], "invalid choice"),
        (["calculate", "--max-threads", "0"], "from 1 to 1000, found [0]"),
        (["calculate", "--seed", "x"], "found [x]"),
        (["flood", "--requests", "-5"], "found [-5]"),
        (["flood", "--threads", "0"], "from 1 to 1000, found [0]"),
        (["flood", "--threads", "١"], "from 1 to 1000"),
        (["flood", "--request", "5"], "unrecognized arguments"),
    ],
)
def test_a_bad_command_line_is_one_sentence(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A bad command line exits 2 with one sentence that says what was expected."""
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    message = capsys.readouterr().err
    assert 2 == caught.value.code
    assert said in message
    assert 1 == len(message.splitlines())


def test_a_server_that_is_down_for_a_moment_costs_no_taxpayer(place: Place) -> None:
    """Each taxpayer's first request meets a 503; all are calculated, and each request is logged under its own id."""
    refused: set[int] = set()

    def at_first_down(request: Request) -> Reply:
        if request.salary in refused:
            return echo_reply(request)
        refused.add(request.salary)
        return 503, b""

    source = place.write("".join(f"{number},no,0,{number}\n" for number in range(1, 6)))
    with serving(at_first_down) as server:
        assert 0 == place.run("calculate", server.url, source)
    assert [1, 2, 3, 4, 5] == [result["id"] for result in place.results]
    sent = [request.headers["X-Request-ID"] for request in server.requests]
    assert 10 == len(set(sent))
    assert sorted(sent) == sorted(e["request_id"] for e in place.log if e["event"] == "calculation_start")
    assert 5 == sum(event["event"] == "retry" for event in place.log)


def test_a_server_without_a_name_for_a_moment_costs_no_taxpayer(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that the network does not know yet, as while its container is made anew, is asked for again."""
    known = socket.getaddrinfo
    answers = iter([False])

    def at_first_unknown(host: str, *more: Any, **others: Any) -> Any:
        if not next(answers, True):
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return known("127.0.0.1", *more, **others)

    monkeypatch.setattr(socket, "getaddrinfo", at_first_unknown)
    with serving(echo_reply) as server:
        url = server.url.replace("127.0.0.1", "proxy.invalid")
        assert 0 == place.run("calculate", url, place.write("1,no,0,5\n"))
    assert [1] == [result["id"] for result in place.results]
    (retry,) = [event for event in place.log if event["event"] == "retry"]
    assert retry["reason"].startswith("unknown host: expected a known host name")


def test_an_input_that_cannot_be_read_is_named(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder, and a file whose reading fails, are one sentence that names the taxpayers file."""
    for path, said in ((str(place.folder), "expected a file"), ("/proc/self/mem", "Input/output error")):
        assert 2 == place.run("calculate", "http://127.0.0.1:9", path)
        message = capsys.readouterr().err
        assert message.startswith(f"tax-client: taxpayers file [{path}]: {said}: give a readable file")
        assert 1 == len(message.splitlines())


def test_a_place_that_cannot_be_used_is_named(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder where the checkpoint belongs, and links in a circle, are one sentence that says what is wrong."""
    source, checkpoint = place.write("1,no,0,5\n"), place.folder / "results.json.checkpoint"
    checkpoint.mkdir()
    circle = place.folder / "circle.json"
    circle.symlink_to(circle)
    for more, said in (
        ([], f"checkpoint [{checkpoint}]: Is a directory: remove it"),
        (["--resume"], f"checkpoint [{checkpoint}]: Is a directory: remove it"),
        (["--results", str(circle)], f"[{circle}]: expected a file, found a symbolic link loop"),
    ):
        assert 2 == place.run("calculate", "http://127.0.0.1:9", source, *more)
        message = capsys.readouterr().err
        assert message.startswith(f"tax-client: {said}")
        assert 1 == len(message.splitlines())


@pytest.mark.parametrize("batch", [1, 2])
def test_a_refused_login_ends_the_sending(place: Place, batch: int, capsys: pytest.CaptureFixture[str]) -> None:
    """After the first 401 nothing is sent; all are in the errors file, the results of a run before stay.

    A sentence names the credentials.
    """
    (place.folder / "results.json").write_text("finished")
    source = place.write("".join(f"{number},no,0,{number}\n" for number in range(1, 31)) + "bad\n")
    more = ["--max-threads", "1", *(["--batch", str(batch)] if batch > 1 else [])]
    with serving(lambda _: (401, b'{"response": {"errors": ["who are you"]}}')) as server:
        assert 1 == place.run("calculate", server.url, source, *more)
    (request,) = server.requests
    assert "finished" == (place.folder / "results.json").read_text()
    *taxpayers, bad = place.errors
    assert 31 == bad["line"]
    assert list(range(1, 31)) == [error["id"] for error in taxpayers]
    asked = [error for error in taxpayers if error["request_id"]]
    assert batch == len(asked)
    assert {request.headers["X-Request-ID"]} == {error["request_id"] for error in asked}
    assert asked[0]["reason"].startswith("status 401: expected a result, the server reported [who are you]")
    assert {"not sent"} == {error["reason"].split(":")[0] for error in taxpayers if error not in asked}
    credentials = place.folder / "credentials"
    said = f"tax-client: credentials file [{credentials}]: the service rejected its login, nothing more was sent"
    found = capsys.readouterr()
    assert said in found.err
    assert f"results: none, [{place.folder / 'results.json'}] is unchanged" in found.out
    assert not list(place.folder.glob("results.json.*"))


def test_a_run_whose_login_is_refused_midway_can_be_gone_on_with(place: Place) -> None:
    """A password that is changed meanwhile loses nothing: with the new one --resume asks for what is not answered."""
    source = place.write("".join(f"{number},no,0,{number}\n" for number in range(1, 61)) + "bad\n")
    run = [source, "--max-threads", "2"]

    def contents() -> list[bytes]:
        return [(place.folder / name).read_bytes() for name in ("results.json", "errors.jsonl")]

    with serving(echo_reply) as server:
        assert 0 == place.run("calculate", server.url, *run)
    whole = contents()
    with serving(lambda request: (401, b"{}") if request.salary > 30 else echo_reply(request)) as server:
        assert 1 == place.run("calculate", server.url, *run)
    assert 0 < len(place.results) <= 30
    with serving(echo_reply) as server:
        assert 0 == place.run("calculate", server.url, *run, "--resume")
    assert whole == contents()
    assert len(server.requests) < 60


def test_what_the_log_lacks_is_said_at_the_end(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    """When lines of the log were lost, their number is the last thing said; the results are none the worse."""
    with serving(echo_reply) as server:
        arguments = place.arguments("calculate", server.url, place.write("1,no,0,5\n"), "--log-file", "/dev/full")
        assert 0 == main(arguments)
    assert [1] == [result["id"] for result in place.results]
    *_, last = capsys.readouterr().err.splitlines()
    assert last.startswith("tax-client: log file [/dev/full]: 6 line(s) of this run could not be written: give a place")
