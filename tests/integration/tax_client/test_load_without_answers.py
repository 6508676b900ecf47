"""Tests of floods without right answers, requests or measured answers: each fails and names the reason."""

import socket

import pytest

from tests.integration.tax_client.conftest import Place
from tests.integration.tax_client.fake_server import published_reply, serving
from tests.integration.tax_client.load_runs import run_flood

ALLOW_ALL = ("--fail-if", "errors>100%", "--fail-if", "failed>1000")


def test_a_refused_port_fails_the_run_whatever_is_allowed(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    """A flood whose connections are all refused exits with 1, and each latency in it is "no answer"."""
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))  # remains open, so that no other process listens on the port
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        code, report = run_flood(place, url, "--requests", "20", *ALLOW_ALL, "--fail-if", "p99>1s")
    assert (1, 20) == (code, report["total"]["failures"]["connection refused"])
    assert {None} == {*report["latency_ms"].values()}
    written = capsys.readouterr()
    assert "failed      none of 20 request(s) got a right answer" in written.out
    assert "latency     no answer" in written.out
    assert "threshold   p99>1s: failed, no answer" in written.out
    assert "p99 no answer" in written.err


@pytest.mark.parametrize("reply", [(401, b'{"response":{"errors":["x"]}}'), (200, b'{"response":{"result":{}}}')])
def test_a_server_without_right_answers_fails_the_run(place: Place, reply: tuple[int, bytes]) -> None:
    """A flood that gets only 401 or only wrong answers exits with 1, even if conditions allow all errors."""
    with serving(lambda _: reply) as server:
        code, report = run_flood(place, server.url, "--requests", "20", *ALLOW_ALL, "--fail-if", "wrong>100%")
    assert (1, 20, 0) == (code, report["total"]["answered"], report["total"]["right"])


def test_a_flood_without_due_requests_names_the_reason(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    """A flood in whose duration no request is due exits with 1, and its summary names the options to change."""
    options = ["--rate", "0.1", "--duration", "0.5", "--arrivals", "poisson", "--seed", "1", "--processes", "1"]
    with serving(published_reply) as server:
        code, report = run_flood(place, server.url, *options)
    assert (1, 0, None) == (code, report["total"]["sent"], report["answers_per_second"])
    assert "none was due in the 0.5 s of --duration: raise --duration or --rate" in capsys.readouterr().out


def test_a_flood_within_its_warm_up_fails(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    """A flood whose requests all end in the warm-up exits with 1, and its summary names the options to change."""
    with serving(published_reply) as server:
        code, report = run_flood(place, server.url, "--requests", "20", "--warm-up", "60")
    assert (1, 20, 0) == (code, report["total"]["right"], report["total"]["measured"])
    assert "raise --duration or --requests, or lower --ramp-up and --warm-up" in capsys.readouterr().out


def test_a_slow_rate_is_measured_over_the_whole_duration(place: Place) -> None:
    """A flood of 1 s whose next request would be due after 10 s lasts 1 s, and its rate covers the whole second."""
    with serving(published_reply) as server:
        _, report = run_flood(place, server.url, "--rate", "0.1", "--duration", "1", "--threads", "2")
    total = report["total"]
    assert 1 == total["sent"] + total["unsent"]
    assert report["elapsed_seconds"] >= 1 == report["measured_until_seconds"]
    assert total["measured"] == report["answers_per_second"]
