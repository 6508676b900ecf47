"""Tests of `calculate` with taxpayers from standard input."""

import signal
import subprocess
from collections.abc import Sequence

import pytest

from tests.integration.tax_client.bulk_runs import count_batches, get_url, start
from tests.integration.tax_client.conftest import Place, json_lines
from tests.support.service import Service
from tests.support.waiting import wait_until


def feed(place: Place, slow_service: Service, pieces: Sequence[bytes], *more: str) -> subprocess.Popen[bytes]:
    """Start a client, write these pieces to the client's standard input, and keep the input open."""
    client = start(place, slow_service, "-", *more)
    assert client.stdin
    for piece in pieces:
        client.stdin.write(piece)
        client.stdin.flush()
    return client


def test_standard_input_is_read_to_its_end(bulk: Place, slow_service: Service) -> None:
    """The client reads standard input in pieces of any size until the end of the input."""
    results = bulk.folder / "results.jsonl"
    with feed(
        bulk, slow_service, [b"1,no,0,5\n2,n", b"o,0,7\nbad\n", b"3,no,0,9"], "--results", str(results)
    ) as client:
        out, _err = client.communicate(timeout=60)
    assert 0 == client.returncode
    assert b"3 calculated, 0 not calculated, 1 bad line(s)" in out
    assert [(1, 5), (2, 7), (3, 9)] == [(row["id"], row["salary"]) for row in json_lines(results)]
    assert [3] == [error["line"] for error in bulk.errors]


def test_an_interruption_does_not_wait_for_standard_input(bulk: Place, slow_service: Service) -> None:
    """SIGINT ends the client although its input is still open, and the client ignores an incomplete last line."""
    with feed(bulk, slow_service, [b"1,no,0,5\n2,no,0,50"], "--batch", "1") as client:
        wait_until(lambda: count_batches(bulk))
        client.send_signal(signal.SIGINT)
        client.wait(60)
    assert 130 == client.returncode
    assert [1] == [result["id"] for result in bulk.results]
    (error,) = bulk.errors
    assert (2, "interrupted") == (error["line"], error["reason"].split(":")[0])


def test_standard_input_cannot_be_resumed(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    """The client rejects --resume for standard input, because standard input cannot be read again."""
    assert 2 == place.run("calculate", "http://127.0.0.1:9", "-", "--resume")
    assert "--resume: expected a regular file, but [-] cannot be read twice" in capsys.readouterr().err


def test_concurrent_runs_with_one_results_file_are_rejected(
    bulk: Place, slow_service: Service, capsys: pytest.CaptureFixture[str]
) -> None:
    """If another client is writing the same results file, the client exits with 2."""
    with feed(bulk, slow_service, [b"1,no,0,5\n"], "--batch", "1") as client:
        wait_until(
            lambda: (bulk.folder / "results.json.part").exists() and (bulk.folder / "errors.jsonl.part").exists()
        )
        assert 2 == bulk.run("calculate", get_url(slow_service), bulk.write("7,no,0,5\n"))
        assert "another run is writing this file" in capsys.readouterr().err
        client.communicate(timeout=60)
    assert 0 == client.returncode
    assert [1] == [result["id"] for result in bulk.results]
