"""Tests of a flood with interrupted or killed processes."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.tax_client.conftest import Place
from tests.integration.tax_client.fake_server import serving
from tests.integration.tax_client.test_interruption import Held, client
from tests.support.waiting import wait_until

TWO = ["--requests", "100000", "--threads", "4", "--processes", "2"]


def children(pid: int) -> list[int]:
    """Return the process ids of the children of a process."""
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def is_alive(pid: int) -> bool:
    """Return whether a process exists and is not a zombie."""
    try:
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):  # the process ended before or during the read
        return False


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interruption_ends_all_with_a_report(place: Place, number: signal.Signals, code: int) -> None:
    """After a signal both sender processes end, and the summary, the log and both report files are complete."""
    script = Held(answered=40, held=4)
    page, report = place.folder / "x.html", place.folder / "x.json"
    with serving(script) as server:
        options = [*TWO, "--html", str(page), "--json", str(report)]
        with client(place.arguments("flood", server.url, *options)) as process:
            assert script.all_there.wait(60)
            own = children(process.pid)
            process.send_signal(number)
            out, err = process.communicate(timeout=60)
        script.release.set()
    assert code == process.returncode
    assert "Traceback" not in err
    assert "requests    44 sent, 40 right, 0 wrong, 0 failed, 4 unanswered" in out
    assert 40 == sum(event["event"] == "answer" for event in place.log)
    assert page.exists()
    assert report.exists()
    assert 2 == len(own)
    assert [] == [pid for pid in own if is_alive(pid)]


def test_ctrl_c_on_a_terminal_is_handled_once(place: Place) -> None:
    """If all processes receive SIGINT, as after Ctrl-C on a terminal, the flood prints a complete summary."""
    script = Held(answered=40, held=4)
    with serving(script) as server:
        command = [sys.executable, "-m", "tax_client", *place.arguments("flood", server.url, *TWO)]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
        ) as process:
            assert script.all_there.wait(60)
            os.killpg(process.pid, signal.SIGINT)
            out, err = process.communicate(timeout=60)
        script.release.set()
    assert 130 == process.returncode
    assert "Traceback" not in err
    assert "44 sent, 40 right, 0 wrong, 0 failed, 4 unanswered" in out


def test_a_killed_sender_is_reported(place: Place) -> None:
    """If one sender process is killed, the summary names the signal, and the exit code is 1."""
    script = Held(answered=40, held=4)
    with serving(script) as server:
        arguments = place.arguments("flood", server.url, "--requests", "200", "--threads", "4", "--processes", "2")
        with client(arguments) as process:
            assert script.all_there.wait(60)
            os.kill(children(process.pid)[0], signal.SIGKILL)
            script.release.set()
            out, err = process.communicate(timeout=60)
    assert 1 == process.returncode
    assert "Traceback" not in err
    assert "process 0 of the client was ended by SIGKILL" in out


def test_senders_end_when_the_coordinator_is_killed(place: Place) -> None:
    """All sender processes end after a kill of the coordinator process."""
    script = Held(answered=40, held=4)
    with serving(script) as server:
        with client(place.arguments("flood", server.url, *TWO)) as process:
            assert script.all_there.wait(60)
            own = children(process.pid)
            process.kill()
            process.wait(60)
            wait_until(lambda: not any(is_alive(pid) for pid in own))
        script.release.set()
    assert 2 == len(own)
