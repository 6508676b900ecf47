"""The last good schedules on the disk: what a process tells when their file turns bad, and when it is good again."""

from pathlib import Path

from income_tax.store.last_good import CurrentSchedules, LastGood
from tests.support.data import schedules
from tests.support.service import running_service
from tests.support.waiting import wait_until

TARGET = "/?married=yes&children=3&salary=200000"


def test_each_bad_file_is_told_once_and_the_good_one_after_it(tmp_path: Path) -> None:
    """A bad file is told once, and the good one after it as well, though it is of the version before."""
    told: list[str] = []
    file = LastGood(tmp_path / "schedules.json")
    file.save(schedules().data)
    current = CurrentSchedules(file, schedules(), told.append, lambda reason: told.append("bad: " + reason[-20:]))
    assert (schedules().version, []) == (current.get().version, told)
    for _ in range(2):
        file.path.write_text("{")
        assert [schedules().version] * 2 == [current.get().version, current.get().version]
        file.save(schedules().data)
        assert [schedules().version] * 2 == [current.get().version, current.get().version]
    bad, good = told[0], schedules().version
    assert bad.startswith("bad: ")
    assert [bad, good, bad, good] == told


def test_alert_of_a_bad_file_ends_with_it(tmp_path: Path) -> None:
    """A service whose file of schedules turns bad goes on and mails so; it mails when the figures are back, too."""
    with running_service(tmp_path, WORKERS="1") as service:
        version = service.get(TARGET).headers["x-schedules-version"]
        (path,) = (tmp_path / "state").glob("schedules-*.json")
        good = path.read_text()
        path.write_text("{")
        assert version == service.get(TARGET).headers["x-schedules-version"]
        assert "their file is bad" in service.mailbox.next().get_content()
        path.write_text(good)
        wait_until(lambda: 200 == service.get(TARGET).status and not service.mailbox.empty())
        assert service.mailbox.next()["Subject"].endswith(" [recovered]")
