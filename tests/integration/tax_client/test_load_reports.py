"""Tests of the report files of a flood, and of the commands `compare` and `merge`."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tax_client.cli import main
from tests.integration.tax_client.conftest import Place
from tests.integration.tax_client.fake_server import published_reply, serving
from tests.integration.tax_client.faulty_server import Faults, serve_faults


@pytest.mark.parametrize(("stdout", "code"), [("| true", 141), (">/dev/full", 2), (">&-", 2)])
def test_reports_are_written_without_a_reader_of_the_summary(place: Place, stdout: str, code: int) -> None:
    """If the client cannot print its summary, it writes both reports completely and prints no traceback."""
    paths = [place.folder / "x.json", place.folder / "x.html"]
    with serving(published_reply) as server:
        options = ["--requests", "20", "--json", str(paths[0]), "--html", str(paths[1])]
        command = [sys.executable, "-m", "tax_client", *place.arguments("flood", server.url, *options)]
        shell = ["bash", "-c", f'set -o pipefail; "$@" {stdout}', "-", *command]
        finished = subprocess.run(shell, stderr=subprocess.PIPE, text=True, check=False)
    assert code == finished.returncode, finished.stderr
    assert "Traceback" not in finished.stderr
    assert [True, True] == [path.read_bytes().rstrip().endswith((b"}", b"</html>")) for path in paths]


def test_a_report_is_replaced_atomically(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the disk is full, the client keeps the earlier reports, deletes the drafts and exits with 2."""
    paths = [place.folder / "x.json", place.folder / "x.html"]
    for path in paths:
        path.write_text("older")

    def full(path: Path, _content: bytes) -> int:
        path.touch()
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with serving(published_reply) as server:
        monkeypatch.setattr(Path, "write_bytes", full)
        options = ["--requests", "20", "--json", str(paths[0]), "--html", str(paths[1])]
        assert 2 == place.run("flood", server.url, *options)
    assert ["older"] * 2 == [path.read_text() for path in paths]
    assert {"credentials", "client.log", "x.json", "x.html"} == {path.name for path in place.folder.iterdir()}


def test_no_password_is_in_a_report(place: Place) -> None:
    """The two report files do not contain the password or the Authorization header."""
    reports = [place.folder / "x.json", place.folder / "x.html"]
    with serving(published_reply) as server:
        options = ["--json", str(reports[0]), "--html", str(reports[1])]
        assert 0 == place.run("flood", server.url, "--requests", "20", *options)
    for report in reports:
        assert "pass:é" not in report.read_text()
        assert "Basic" not in report.read_text()


@pytest.fixture
def reports(place: Place) -> list[str]:
    """Write the JSON reports of two runs, and return the paths of the reports."""
    paths = [str(place.folder / name) for name in ("a.json", "b.json")]
    with serving(published_reply) as server:
        for path in paths:
            assert 0 == place.run("flood", server.url, "--requests", "30", "--json", path)
    return paths


def test_two_reports_are_compared(place: Place, reports: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """`compare` prints the paths and a table of two reports. If a report is missing, `compare` prints its name."""
    capsys.readouterr()
    assert 0 == main(["compare", *reports])
    out = capsys.readouterr().out
    assert f"A: {reports[0]}, " in out
    assert "p99 ms" in out
    assert 2 == main(["compare", reports[0], str(place.folder / "missing.json")])
    assert "missing.json]: No such file" in capsys.readouterr().err


def test_two_reports_are_merged(place: Place, reports: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """`merge` prints one summary, writes both report files, and applies thresholds to the merged run."""
    merged, page = place.folder / "all.json", place.folder / "all.html"
    capsys.readouterr()
    assert 1 == main(["merge", *reports, "--json", str(merged), "--html", str(page), "--fail-if", "rate>0"])
    assert "requests    60 sent, 60 right, 0 wrong, 0 failed" in capsys.readouterr().out
    assert page.exists()
    assert 0 == main(["compare", str(merged), reports[0]])
    assert 1 == main(["merge", *reports, "--clients", "3"])
    assert "1 of 3 clients left no report" in capsys.readouterr().out


@pytest.mark.parametrize("more", [["b.json", "--json", "a.json"], ["a.json"], ["b.json", "--html", "./b.json"]])
def test_no_report_is_merged_twice_or_overwritten(
    place: Place, reports: list[str], more: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """If two arguments name the same report, `merge` changes no file and exits with 2."""
    before = [Path(path).read_bytes() for path in reports]
    given = [one if one.startswith("--") else str(place.folder / one) for one in more]
    assert 2 == main(["merge", reports[0], *given])
    assert "is given for two uses" in capsys.readouterr().err
    assert before == [Path(path).read_bytes() for path in reports]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--fail-if", "p99>200"], "expected a measurement, a comparison (>, >=, < or <=) and a limit"),
        (["--rate", "0"], "expected a number of requests a second from 0.01 to 1e+06, found [0]"),
        (["--duration", "5", "--warm-up", "3", "--ramp-up", "2"], "expected more seconds than --ramp-up and --warm-up"),
        (["--html", "/nowhere/x.html"], "report [/nowhere/x.html]: No such file or directory: use --json and"),
        (["--json", "/proc/x.json"], "report [/proc/x.json]: "),
        (["--json", "/dev/null"], "report [/dev/null]: expected a regular file: use --json and --html"),
        (["--workload", "/nowhere/x"], "No such file"),
        (["--threads", "0"], "expected a whole number from 1 to 1000, found [0]"),
    ],
)
def test_wrong_options_cause_one_message(
    place: Place, options: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The flood rejects wrong options with a one-line message before any request, and exits with 2."""
    try:
        code = place.run("flood", "http://127.0.0.1:9", *options)
    except SystemExit as error:  # raised by argparse
        code = error.code  # type: ignore[assignment]
    assert 2 == code
    message = capsys.readouterr().err
    assert expected in message
    assert 1 == len(message.splitlines())


def test_large_flood_logs_only_failures(place: Place) -> None:
    """If a flood has more requests than --log-each-max, it logs only failed requests."""
    with serve_faults(Faults(refused=frozenset({7, 8}))) as server:
        assert 1 == place.run("flood", server.url, "--requests", "100", "--log-each-max", "99")
    assert ["status 503"] * 2 == [event["outcome"] for event in place.log if event["event"] == "answer"]


def test_text_log_has_one_line_per_answer(place: Place) -> None:
    """The text log of a flood contains one line per answer."""
    with serving(published_reply) as server:
        assert 0 == place.run("flood", server.url, "--requests", "5", "--log-format", "text")
    lines = (place.folder / "client.log").read_text().splitlines()
    assert 5 == sum("[flood] answer: 200 in " in line for line in lines)
