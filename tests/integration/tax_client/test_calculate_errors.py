"""Tests of failures of `calculate`: bad answers, unusable files and bad command lines."""

import socket
import threading

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


def reply_wrong_echo(_request: Request) -> Reply:
    """Return the result of one fixed household for every request."""
    return published_reply(Request("/", [("married", "no"), ("children", "0"), ("salary", "200000")], {}))


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (
            lambda _: (400, b'{"response": {"errors": ["wrong year"]}}'),
            "status 400: expected a result, but the server reported [wrong year]: see the limits",
        ),
        (
            lambda _: (500, b'{"response": {"errors": ["down", "id 7"]}}'),
            "status 500: expected a result, but the server reported [down; id 7]",
        ),
        (lambda _: (200, b"<html>hello</html>"), "not JSON: expected a JSON result, got [<html>hello</html>]"),
        (lambda _: (200, result_body({"married": "yes"})), "wrong shape: expected"),
        (lambda _: (302, b""), "status 302: expected a result"),
        (reply_wrong_echo, "wrong echo: expected the result of (married, children, salary) ('yes', 2, 55555)"),
    ],
)
def test_a_failure_is_listed_for_its_taxpayer_only(place: Place, script: Script, reason: str) -> None:
    """If the answer for one taxpayer is bad, the client lists only this taxpayer with the reason, and exits with 1."""
    with serving(lambda request: script(request) if request.salary == 55555 else published_reply(request)) as server:
        assert 1 == place.run("calculate", server.url)
    assert PUBLISHED[1:] == place.results
    (error,) = [error for error in place.errors if "id" in error]
    assert 1 == error["id"]
    assert error["reason"].startswith(reason)
    (sent,) = [request for request in server.requests if request.salary == 55555]
    assert sent.headers["X-Request-ID"] == error["request_id"]


def test_a_refused_connection_is_reported(place: Place) -> None:
    """If the server refuses connections, the client lists this reason for each taxpayer and writes no results file."""
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))  # keeps the socket open, so that no other process listens on the port
        port = deaf.getsockname()[1]
        url, source = f"http://127.0.0.1:{port}", place.write("1,no,0,5\n2,no,0,5\n")
        assert 1 == place.run("calculate", url, source, "--retries", "1")
    assert not (place.folder / "results.json").exists()
    assert [1, 2] == [error["id"] for error in place.errors]
    expected = f"connection refused: no server listens at http://127.0.0.1:{port}/: start the server"
    assert [True] * 2 == [error["reason"].startswith(expected) for error in place.errors]


def test_a_silent_server_times_out(place: Place) -> None:
    """If the server accepts a connection but never answers, the client lists a reason that contains the time-out."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        assert 1 == place.run("calculate", url, place.write("1,no,0,5\n"), "--timeout", "0.05", "--retries", "0")
    (error,) = place.errors
    assert f"timeout: expected an answer from {url}/ within 0.05 s" in error["reason"]


def test_a_lost_connection_is_reported(place: Place) -> None:
    """With --retries 0 the client lists the reason "connection lost" if the server disconnects before it answers."""
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
    assert place.errors[0]["reason"].startswith("connection lost: the connection to http://127.0.0.1:")


def test_no_valid_line_is_an_error(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    """If a file has no valid line, the client lists the bad lines, keeps earlier results and exits with 2."""
    (place.folder / "results.json").write_text("[]")
    assert 2 == place.run(
        "calculate", "http://127.0.0.1:9", place.write("# nobody\nid,married,children,salary\n1,yes\n")
    )
    assert [3] == [error["line"] for error in place.errors]
    assert [] == place.results
    message = capsys.readouterr().err
    assert "found no valid taxpayer and 1 bad line(s)" in message
    assert 1 == len(message.splitlines())


@pytest.mark.parametrize(
    ("options", "answer"),
    [
        ([], None),
        ([], (404, b'{"response": {"errors": ["no such address"]}}')),
        ([], (200, b"<html>hello</html>")),
        (["--year", "24"], (400, b'{"response": {"errors": ["parameter [year] has an invalid value: [24]"]}}')),
        (["--batch", "10"], (400, b'{"response": {"errors": ["wrong"]}}')),
    ],
    ids=["no server", "wrong path", "another server", "wrong year", "batch"],
)
def test_a_run_without_a_result_keeps_earlier_results(
    place: Place, capsys: pytest.CaptureFixture[str], options: list[str], answer: Reply | None
) -> None:
    """If a run calculates no taxpayer for any reason, the results of an earlier run stay as they are."""
    results, source = place.folder / "results.json", place.write("1,no,0,5\n2,no,0,7\n")
    results.write_text("finished")
    with serving(lambda _request: answer or (500, b"")) as server:
        url = server.url if answer else "http://127.0.0.1:9"
        assert 1 == place.run("calculate", url, source, "--retries", "0", *options)
    assert "finished" == results.read_text()
    assert [1, 2] == [error["id"] for error in place.errors]
    assert f"results: none, [{results}] is unchanged" in capsys.readouterr().out
    assert not list(place.folder.glob("results.json.*"))


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("", "found an empty file: add lines of taxpayers"),
        (
            "# who\nid,married,children,salary\n\n",
            "found no taxpayer, but 1 header(s), 1 comment(s) and 1 blank line(s)",
        ),
    ],
)
def test_a_file_without_a_line_of_a_taxpayer_is_named(
    place: Place, capsys: pytest.CaptureFixture[str], content: str, found: str
) -> None:
    """If a file is empty or has a header alone, the message names that, and the client exits with 2."""
    assert 2 == place.run("calculate", "http://127.0.0.1:9", place.write(content))
    assert found in capsys.readouterr().err


@pytest.mark.parametrize("content", ["Export 2024\nsalary,married,children,id\n5,yes,2,17\n", "1,perhaps,2,5\n", "[]"])
def test_an_unusable_first_line_ends_the_run(place: Place, content: str) -> None:
    """If the first line is neither a header nor a taxpayer, the client sends nothing, writes nothing, exits with 2."""
    with serving(echo_reply) as server:
        assert 2 == place.run("calculate", server.url, place.write(content))
    assert [] == server.requests
    assert {"taxpayers.txt", "credentials", "client.log"} == {path.name for path in place.folder.iterdir()}


def test_an_unusable_file_stops_the_run_before_any_request(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    """If a file is unusable, the client sends no request, prints a one-line message and exits with 2."""
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


@pytest.mark.parametrize(
    ("arguments", "expected"),
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
def test_a_bad_command_line_causes_one_message(
    arguments: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The client rejects a bad command line with a one-line message about the expected values, and exits with 2."""
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    message = capsys.readouterr().err
    assert 2 == caught.value.code
    assert expected in message
    assert 1 == len(message.splitlines())


def test_an_unreadable_input_is_reported(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    """If the taxpayers file cannot be read, the client prints a one-line message and exits with 2."""
    directory = "expected a file, found a directory"
    for path, reason in ((str(place.folder), directory), ("/proc/self/mem", "Input/output error")):
        assert 2 == place.run("calculate", "http://127.0.0.1:9", path)
        message = capsys.readouterr().err
        assert message.startswith(f"tax-client: taxpayers file [{path}]: {reason}: give a readable file")
        assert 1 == len(message.splitlines())


def test_an_unusable_path_is_reported(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    """If the checkpoint is a folder or a path is a symbolic link loop, the client prints a one-line message."""
    source, checkpoint = place.write("1,no,0,5\n"), place.folder / "results.json.checkpoint"
    checkpoint.mkdir()
    circle = place.folder / "circle.json"
    circle.symlink_to(circle)
    for more, reason in (
        ([], f"checkpoint [{checkpoint}]: Is a directory: remove the checkpoint"),
        (["--resume"], f"checkpoint [{checkpoint}]: Is a directory: remove the checkpoint"),
        (["--results", str(circle)], f"[{circle}]: expected a file, found a symbolic link loop"),
    ):
        assert 2 == place.run("calculate", "http://127.0.0.1:9", source, *more)
        message = capsys.readouterr().err
        assert message.startswith(f"tax-client: {reason}")
        assert 1 == len(message.splitlines())
