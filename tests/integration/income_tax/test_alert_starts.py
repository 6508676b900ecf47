"""Alerts of failed starts: a crash loop is one incident, and each drill is a separate incident."""

import socket
import subprocess
from pathlib import Path

from tests.support.budget import budget
from tests.support.service import COMMAND, environment, prepare, service_with
from tests.support.smtp import FaultySmtp, failures_in

STARTS = budget(4, 10)
OWN = f"[tax-service on {socket.gethostname()}] could not start"


def start_without_data(folder: Path, smtp_port: int, **settings: str) -> int:
    """Start the service without tax data, and return the exit code of the service."""
    env = environment(folder, smtp_port, DB_FILE="nowhere.sqlite", **settings)
    return subprocess.run([*COMMAND, "sqlite"], env=env, capture_output=True, timeout=120, check=False).returncode


def test_a_crash_loop_causes_one_mail_and_one_recovery_mail(tmp_path: Path) -> None:
    """A crash loop causes one mail, and the recovery mail counts the other failed starts."""
    prepare(tmp_path)
    with FaultySmtp() as smtp:
        assert [2] * STARTS == [start_without_data(tmp_path, smtp.port) for _ in range(STARTS)]
        (first,) = [smtp.mails.get_nowait() for _ in range(smtp.mails.qsize())]
        with service_with(tmp_path, smtp.port), service_with(tmp_path, smtp.port):
            recovered = smtp.next()
        assert smtp.mails.empty()
    assert (OWN, f"{OWN} [recovered]") == (
        first["Subject"],
        recovered["Subject"],
    )
    assert (1, STARTS - 1) == (failures_in(first), failures_in(recovered))


def test_a_crash_loop_is_mailed_at_the_repeat_interval(tmp_path: Path) -> None:
    """A failed start after the repeat interval causes a mail that counts the failed starts since the first mail."""
    prepare(tmp_path)
    with FaultySmtp() as smtp:
        for _ in range(3):
            start_without_data(tmp_path, smtp.port)
        start_without_data(tmp_path, smtp.port, ALERT_REPEAT="0")
        mails = [smtp.next(), smtp.next()]
        assert smtp.mails.empty()
    assert [1, 3] == [failures_in(mail) for mail in mails]
    assert "[+3 since " in mails[1]["Subject"]
    assert "failures in all: 4" in mails[1].get_content()


def test_failed_starts_without_a_mail_server_are_mailed_later(tmp_path: Path) -> None:
    """A successful start sends the pending mails of earlier failed starts in their original order."""
    prepare(tmp_path)
    with FaultySmtp("refuse") as smtp:
        assert [2, 2, 2] == [start_without_data(tmp_path, smtp.port) for _ in range(3)]
        smtp.set("")
        with service_with(tmp_path, smtp.port):
            mails = [smtp.next(), smtp.next()]
    assert [1, 2] == [failures_in(mail) for mail in mails]
    assert mails[1]["Subject"].endswith(" [recovered]")


def test_each_drill_is_mailed(tmp_path: Path) -> None:
    """During a crash loop, each drill start causes a separate mail, but the crash loop causes no second mail."""
    prepare(tmp_path)
    with FaultySmtp() as smtp:
        start_without_data(tmp_path, smtp.port)
        for _ in range(3):
            start_without_data(tmp_path, smtp.port, ALERT_DRILL="on")
        mails = [smtp.next() for _ in range(4)]
        with service_with(tmp_path, smtp.port):
            recovered = smtp.next()
        assert smtp.mails.empty()
    assert [OWN, *[f"{OWN} (drill)"] * 3] == [mail["Subject"] for mail in mails]
    assert 4 == len({mail["Message-ID"] for mail in mails})
    assert recovered["Subject"].endswith(" [recovered]")
