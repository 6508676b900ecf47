"""Tests of signals and of a closed standard output. The client runs in a separate process."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.integration.tax_client.conftest import Place
from tests.integration.tax_client.fake_server import PUBLISHED, Reply, Request, published_reply, serving
from tests.support.service import begun_with


class Held:
    """A server script. It answers the first requests immediately, and all others after a test sets `release`."""

    def __init__(self, answered: int, held: int) -> None:
        self._answered = threading.Semaphore(answered)
        self.all_there, self.release = threading.Event(), threading.Event()
        self._left, self._lock = held, threading.Lock()

    def __call__(self, request: Request) -> Reply:
        """Answer the request immediately or after the test sets `release`."""
        if not self._answered.acquire(blocking=False):
            with self._lock:
                self._left -= 1
                if not self._left:
                    self.all_there.set()
            self.release.wait(60)
        return published_reply(request)


@contextmanager
def client(arguments: list[str], **environment: str) -> Iterator[subprocess.Popen[str]]:
    """Start a client in a separate process, and kill it when the context ends."""
    command = [sys.executable, "-m", "tax_client", *arguments]
    with subprocess.Popen(
        command, env=os.environ | environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_calculation_writes_its_results(place: Place, number: signal.Signals, code: int) -> None:
    """An interrupted client writes all received results, and lists the other taxpayers in the errors file."""
    script = Held(answered=4, held=1)
    with serving(script) as server:
        with client(place.arguments("calculate", server.url, "--max-threads", "1")) as process:
            assert script.all_there.wait(60)
            process.send_signal(number)
            _out, err = process.communicate(timeout=60)
        script.release.set()
    assert code == process.returncode
    assert "Traceback" not in err
    assert "interrupted" in err
    assert PUBLISHED[:4] == place.results
    missing = [error for error in place.errors if "id" in error]
    assert list(range(5, 12)) == [error["id"] for error in missing]
    assert {"interrupted"} == {error["reason"].split(":")[0] for error in missing}
    in_flight = server.requests[-1].headers["X-Request-ID"]
    assert [in_flight, *[None] * 6] == [error["request_id"] for error in missing]
    assert [] == [path.name for path in place.folder.iterdir() if path.name.endswith(".tmp")]


def test_an_interrupted_flood_prints_its_report(place: Place) -> None:
    """After SIGINT a flood reports the answers and the unanswered requests, and prints no traceback."""
    script = Held(answered=20, held=3)
    with serving(script) as server:
        arguments = place.arguments("flood", server.url, "--requests", "1000", "--threads", "3")
        with client(arguments) as process:
            assert script.all_there.wait(60)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=60)
        script.release.set()
    assert 130 == process.returncode
    assert "Traceback" not in err
    assert "requests    23 sent, 20 right, 0 wrong, 0 failed, 3 unanswered" in out
    assert 20 == sum(event["event"] == "answer" for event in place.log)


def test_a_flood_waits_for_the_requests_in_flight(place: Place) -> None:
    """A flood counts and logs the answers that arrive during the grace period after SIGINT.

    The test extends the grace period from a second to a minute, because the test machine might stall.
    """
    path = begun_with(place.folder, "from tax_client import interruption\ninterruption.GRACE_SECONDS = 60\n")
    script = Held(answered=20, held=3)
    with serving(script) as server:
        arguments = place.arguments("flood", server.url, "--requests", "1000", "--threads", "3")
        with client(arguments, PYTHONPATH=path) as process:
            assert script.all_there.wait(60)
            process.send_signal(signal.SIGINT)
            script.release.set()
            out, _err = process.communicate(timeout=60)
    assert 130 == process.returncode
    sent = len(server.requests)
    assert f"requests    {sent} sent, {sent} right, 0 wrong, 0 failed" in out
    assert sent == sum(event["event"] == "answer" for event in place.log)


def test_a_closed_pipe_causes_no_traceback(place: Place) -> None:
    """If standard output is a closed pipe, the client writes its output files and prints nothing to standard error."""
    script = Held(answered=0, held=1)
    arguments = ["--max-threads", "1"]
    with serving(script) as server, client(place.arguments("calculate", server.url, *arguments)) as process:
        assert script.all_there.wait(60)
        assert process.stdout
        process.stdout.close()
        script.release.set()
        assert process.stderr
        err = process.stderr.read()
        process.wait(60)
    assert 141 == process.returncode
    assert "" == err
    assert PUBLISHED == place.results
