"""Alerts of starts in vain: a crash loop is one incident, drills are told each time."""

import subprocess
from pathlib import Path

from tests.support.budget import budget
from tests.support.service import COMMAND, environment, prepare, service_with
from tests.support.smtp import FaultySmtp, failures_in

STARTS = budget(4, 10)


def start_in_vain(folder: Path, smtp_port: int, **settings: str) -> int:
    """The exit code of a start that finds no tax data."""
    env = environment(folder, smtp_port, DB_FILE="nowhere.sqlite", **settings)
    return subprocess.run([*COMMAND, "sqlite"], env=env, capture_output=True, timeout=120, check=False).returncode


def test_many_starts_in_vain_are_one_mail_and_a_good_one_is_one_more(tmp_path: Path) -> None:
    """A crash loop is told once; when the service starts at last, one mail says so and counts the rest."""
    prepare(tmp_path)
    with FaultySmtp() as smtp:
        assert [2] * STARTS == [start_in_vain(tmp_path, smtp.port) for _ in range(STARTS)]
        (first,) = [smtp.mails.get_nowait() for _ in range(smtp.mails.qsize())]
        with service_with(tmp_path, smtp.port), service_with(tmp_path, smtp.port):
            recovered = smtp.next()
        assert smtp.mails.empty()
    assert ("Tax calculation server crash", "Tax calculation server crash [recovered]") == (
        first["Subject"],
        recovered["Subject"],
    )
    assert (1, STARTS - 1) == (failures_in(first), failures_in(recovered))


def test_crash_loop_is_told_again_at_the_repeat_interval(tmp_path: Path) -> None:
    """With the interval over, the next start in vain sends a digest with the number of attempts."""
    prepare(tmp_path)
    with FaultySmtp() as smtp:
        for _ in range(3):
            start_in_vain(tmp_path, smtp.port)
        start_in_vain(tmp_path, smtp.port, ALERT_REPEAT="0")
        mails = [smtp.next(), smtp.next()]
        assert smtp.mails.empty()
    assert [1, 3] == [failures_in(mail) for mail in mails]
    assert "[+3 since " in mails[1]["Subject"]
    assert "failures in all: 4" in mails[1].get_content()


def test_starts_in_vain_without_a_server_are_told_later(tmp_path: Path) -> None:
    """What could not be mailed when the process ended is mailed by the service that starts at last, in order."""
    prepare(tmp_path)
    with FaultySmtp("refuse") as smtp:
        assert [2, 2, 2] == [start_in_vain(tmp_path, smtp.port) for _ in range(3)]
        smtp.set("")
        with service_with(tmp_path, smtp.port):
            mails = [smtp.next(), smtp.next()]
    assert [1, 2] == [failures_in(mail) for mail in mails]
    assert mails[1]["Subject"].endswith(" [recovered]")


def test_drills_are_told_each_time(tmp_path: Path) -> None:
    """Starts of a drill are mailed each time, beside a crash loop that is not told again."""
    prepare(tmp_path)
    with FaultySmtp() as smtp:
        start_in_vain(tmp_path, smtp.port)
        for _ in range(3):
            start_in_vain(tmp_path, smtp.port, ALERT_DRILL="on")
        mails = [smtp.next() for _ in range(4)]
        with service_with(tmp_path, smtp.port):
            recovered = smtp.next()
        assert smtp.mails.empty()
    assert ["Tax calculation server crash"] * 4 == [mail["Subject"] for mail in mails]
    assert 4 == len({mail["Message-ID"] for mail in mails})
    assert recovered["Subject"].endswith(" [recovered]")
