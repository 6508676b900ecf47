"""What becomes of a calculation whose standard output or error cannot be written."""

import shlex
import subprocess
import sys

import pytest

from tests.integration.tax_client.conftest import Place
from tests.integration.tax_client.fake_server import PUBLISHED, published_reply, serving


def redirected(place: Place, redirection: str, *more: str) -> "subprocess.CompletedProcess[str]":
    """A calculation of the sample in a process of its own, its streams as a shell has them."""
    with serving(published_reply) as server:
        command = [sys.executable, "-m", "tax_client", *place.arguments("calculate", server.url, *more)]
        return subprocess.run(
            ["sh", "-c", f"{shlex.join(command)} {redirection}"], capture_output=True, text=True, check=False
        )


@pytest.mark.parametrize(
    ("redirection", "said"), [(">&-", "Bad file descriptor"), (">/dev/full", "No space left on device")]
)
def test_a_summary_that_cannot_be_printed_is_said(place: Place, redirection: str, said: str) -> None:
    """With standard output closed or full both files are written, and one sentence and exit code 2 tell the trouble."""
    client = redirected(place, redirection)
    assert f"tax-client: standard output: {said}: give a place that can be written\n" == client.stderr
    assert (2, "") == (client.returncode, client.stdout)
    assert PUBLISHED == place.results
    assert 8 == len(place.errors)
    assert {"client"} == {event["service"] for event in place.log}


@pytest.mark.parametrize("redirection", ["2>&-", "2>/dev/full"])
def test_a_lost_standard_error_changes_nothing(place: Place, redirection: str) -> None:
    """Who hears of no troubles has the results, the summary alone on standard output, and its exit code."""
    (place.folder / "results.json.checkpoint").write_text("left behind, which is said")
    client = redirected(place, redirection)
    assert (0, "") == (client.returncode, client.stderr)
    assert "11 calculated, 0 not calculated, 8 bad line(s)" in client.stdout
    assert "tax-client" not in client.stdout
    assert PUBLISHED == place.results


def test_a_closed_standard_input_holds_no_taxpayers(place: Place) -> None:
    """`-` with standard input closed is a sentence; no other file that the client opens is taken for it."""
    client = redirected(place, "<&-", "-")
    assert 2 == client.returncode
    assert client.stderr.startswith("tax-client: taxpayers file [-]: Bad file descriptor: give a readable file")
    assert 1 == len(client.stderr.splitlines())
