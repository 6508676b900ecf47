"""The report's page in a real browser; comparing and merging by the command line."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tax_client.cli import main
from tests.integration.client.troubled_server import Troubles, troubled
from tests.integration.tax_client.conftest import Place
from tests.integration.tax_client.fake_server import published_reply, serving
from tests.support.browser import Tab, chromium


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_draws_in_a_browser(place: Place, scheme: str) -> None:
    """Five pictures of some size, no console error, nothing asked for but the page; it fits a phone, axe is content."""
    page = place.folder / "report.html"
    with troubled(Troubles(wrong_every=1000, slow_every=300, refused=frozenset(range(500, 520)))) as server:
        options = ["--rate", "1500", "--requests", "3000", "--warm-up", "0.5", "--html", str(page)]
        assert 1 == place.run("flood", server.url, *options)
    with chromium() as browser:
        context = browser.new_context(viewport={"width": 390, "height": 800}, color_scheme=scheme)  # type: ignore[arg-type]
        tab = Tab(context.new_page())
        tab.open(page.as_uri())
        pictures = tab.page.locator("svg")
        assert 5 == pictures.count()
        for number in range(5):
            box = pictures.nth(number).bounding_box()
            assert box
            assert box["width"] > 300 < box["height"] * 3
            assert pictures.nth(number).locator("path.line, rect.bar").count() > 0
        assert "not right" in tab.text(".verdict")
        assert "status 503" in tab.text("main")
        assert tab.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        violations = tab.serious()
        context.close()
    assert [] == tab.errors
    assert [page.as_uri()] == [address for address in tab.asked if not address.startswith("data:")]
    assert [] == violations


@pytest.mark.parametrize(("stdout", "code"), [("| true", 141), (">/dev/full", 2), (">&-", 2)])
def test_reports_are_written_whether_anybody_reads_the_summary(place: Place, stdout: str, code: int) -> None:
    """A reader that has left, a full disk, a closed standard output: both reports are there, and no traceback."""
    paths = [place.folder / "x.json", place.folder / "x.html"]
    with serving(published_reply) as server:
        options = ["--requests", "20", "--json", str(paths[0]), "--html", str(paths[1])]
        command = [sys.executable, "-m", "tax_client", *place.arguments("flood", server.url, *options)]
        shell = ["bash", "-c", f'set -o pipefail; "$@" {stdout}', "-", *command]
        finished = subprocess.run(shell, stderr=subprocess.PIPE, text=True, check=False)
    assert code == finished.returncode, finished.stderr
    assert "Traceback" not in finished.stderr
    assert [True, True] == [path.read_bytes().rstrip().endswith((b"}", b"</html>")) for path in paths]


def test_a_report_is_whole_or_as_it_was(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the disk is full at the end, the older report is still there, and no draft; exit code 2."""
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
    """Neither the JSON nor the page has the login or the password."""
    reports = [place.folder / "x.json", place.folder / "x.html"]
    with serving(published_reply) as server:
        options = ["--json", str(reports[0]), "--html", str(reports[1])]
        assert 0 == place.run("flood", server.url, "--requests", "20", *options)
    for report in reports:
        assert "pass:é" not in report.read_text()
        assert "Basic" not in report.read_text()


@pytest.fixture
def reports(place: Place) -> list[str]:
    """The reports of two floods."""
    paths = [str(place.folder / name) for name in ("a.json", "b.json")]
    with serving(published_reply) as server:
        for path in paths:
            assert 0 == place.run("flood", server.url, "--requests", "30", "--json", path)
    return paths


def test_two_reports_are_compared(place: Place, reports: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """A table of both, and of how they differ."""
    capsys.readouterr()
    assert 0 == main(["compare", *reports])
    out = capsys.readouterr().out
    assert f"A: {reports[0]}, " in out
    assert "p99 ms" in out
    assert 2 == main(["compare", reports[0], str(place.folder / "missing.json")])
    assert "missing.json]: No such file" in capsys.readouterr().err


def test_two_reports_are_merged(place: Place, reports: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """One summary, one page and one report of both; thresholds hold for them together."""
    merged, page = place.folder / "all.json", place.folder / "all.html"
    capsys.readouterr()
    assert 1 == main(["merge", *reports, "--json", str(merged), "--html", str(page), "--fail-if", "rate>0"])
    assert "requests    60 sent, 60 right, 0 wrong, 0 failed" in capsys.readouterr().out
    assert page.exists()
    assert 0 == main(["compare", str(merged), reports[0]])
    assert 1 == main(["merge", *reports, "--clients", "3"])
    assert "1 of 3 clients left no report" in capsys.readouterr().out


@pytest.mark.parametrize("more", [["b.json", "--json", "a.json"], ["a.json"], ["b.json", "--html", "./b.json"]])
def test_no_report_is_merged_twice_or_written_over(
    place: Place, reports: list[str], more: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """A report that is given twice, or is to be an output too, is an error, and stays as it is."""
    before = [Path(path).read_bytes() for path in reports]
    given = [one if one.startswith("--") else str(place.folder / one) for one in more]
    assert 2 == main(["merge", reports[0], *given])
    assert "is given for two uses" in capsys.readouterr().err
    assert before == [Path(path).read_bytes() for path in reports]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--fail-if", "p99>200"], "expected a figure, a comparison (>, >=, < or <=) and a limit"),
        (["--rate", "0"], "expected a number of requests a second from 0.01 to 1e+06, found [0]"),
        (["--duration", "5", "--warm-up", "3", "--ramp-up", "2"], "expected more seconds than --ramp-up and --warm-up"),
        (["--html", "/nowhere/x.html"], "report [/nowhere/x.html]: No such file or directory: give a place"),
        (["--json", "/proc/x.json"], "report [/proc/x.json]: "),
        (["--json", "/dev/null"], "report [/dev/null]: expected a plain file: give a place"),
        (["--workload", "/nowhere/x"], "No such file"),
        (["--threads", "0"], "expected a whole number from 1 to 1000, found [0]"),
    ],
)
def test_wrong_options_are_a_sentence(
    place: Place, options: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """What cannot be done is said before any request is sent, exit code 2."""
    try:
        code = place.run("flood", "http://127.0.0.1:9", *options)
    except SystemExit as error:  # argparse
        code = error.code  # type: ignore[assignment]
    assert 2 == code
    message = capsys.readouterr().err
    assert said in message
    assert 1 == len(message.splitlines())


def test_above_a_number_of_requests_only_what_is_not_right_is_logged(place: Place) -> None:
    """With a limit of 99 lines, a hundred requests have those of the failures alone."""
    with troubled(Troubles(refused=frozenset({7, 8}))) as server:
        assert 1 == place.run("flood", server.url, "--requests", "100", "--log-each-max", "99")
    assert ["status 503"] * 2 == [event["outcome"] for event in place.log if event["event"] == "answer"]


def test_the_log_s_text_form_holds_for_floods_too(place: Place) -> None:
    """Each answer is a sentence of the reference's form."""
    with serving(published_reply) as server:
        assert 0 == place.run("flood", server.url, "--requests", "5", "--log-format", "text")
    lines = (place.folder / "client.log").read_text().splitlines()
    assert 5 == sum("[flood] answer: 200 in " in line for line in lines)
