"""Tests of `calculate` with closed or full standard streams."""

import shlex
import subprocess
import sys

import pytest

from tests.integration.tax_client.conftest import Place
from tests.integration.tax_client.fake_server import PUBLISHED, published_reply, serving


def run_redirected(place: Place, redirection: str, *more: str) -> "subprocess.CompletedProcess[str]":
    """Run `calculate` on the sample file in a separate process with redirected streams."""
    with serving(published_reply) as server:
        command = [sys.executable, "-m", "tax_client", *place.arguments("calculate", server.url, *more)]
        return subprocess.run(
            ["sh", "-c", f"{shlex.join(command)} {redirection}"], capture_output=True, text=True, check=False
        )


@pytest.mark.parametrize(
    ("redirection", "message"), [(">&-", "Bad file descriptor"), (">/dev/full", "No space left on device")]
)
def test_an_unprintable_summary_is_reported(place: Place, redirection: str, message: str) -> None:
    """If standard output is closed or full, the client writes both output files, reports the error and exits with 2."""
    client = run_redirected(place, redirection)
    assert f"tax-client: standard output: {message}: choose a writable file\n" == client.stderr
    assert (2, "") == (client.returncode, client.stdout)
    assert PUBLISHED == place.results
    assert 8 == len(place.errors)
    assert {"client"} == {event["service"] for event in place.log}


@pytest.mark.parametrize("redirection", ["2>&-", "2>/dev/full"])
def test_an_unusable_standard_error_changes_no_output(place: Place, redirection: str) -> None:
    """If standard error is closed or full, the results, the summary and the exit code stay the same."""
    (place.folder / "results.json.checkpoint").write_text("left behind, which is reported")
    client = run_redirected(place, redirection)
    assert (0, "") == (client.returncode, client.stderr)
    assert "11 calculated, 0 not calculated, 8 bad line(s)" in client.stdout
    assert "tax-client" not in client.stdout
    assert PUBLISHED == place.results


def test_a_closed_standard_input_is_an_error(place: Place) -> None:
    """If standard input is closed, the client prints one message and does not use descriptor 0 for another file."""
    client = run_redirected(place, "<&-", "-")
    assert 2 == client.returncode
    assert client.stderr.startswith("tax-client: taxpayers file [-]: Bad file descriptor: give a readable file")
    assert 1 == len(client.stderr.splitlines())
