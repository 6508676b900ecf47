"""The sender forwards each alert to all channels."""

from pathlib import Path

import pytest

from income_tax.alerts.alert_sender import AlertSender
from income_tax.alerts.alert_thread import AlertThread
from income_tax.alerts.incident_policy import AlertRules
from income_tax.alerts.mail_delivery import MailDelivery
from income_tax.alerts.spool import Spool
from income_tax.service_log import build_logger
from tax_common.files import ProcessLock
from tests.support.fakes import DEPLOYMENT, FakeMailer, Lines
from tests.unit.income_tax.alerts.world import build_alert


def build_thread(folder: Path, mailer: FakeMailer) -> AlertThread:
    log = build_logger("api", Lines().write, "json", "info")
    delivery = MailDelivery(mailer, AlertRules(wait=0), DEPLOYMENT, folder / "dead", log)
    return AlertThread(Spool(folder / "spool.sqlite"), ProcessLock(folder / "lock"), delivery, log)


@pytest.fixture
def folders(tmp_path: Path) -> list[Path]:
    folders = [tmp_path / name for name in ("mail", "webhook")]
    for folder in folders:
        folder.mkdir()
    return folders


def test_each_channel_gets_each_alert(folders: list[Path]) -> None:
    """Each channel sends the alert and its recovery, and the counts of all channels are added."""
    mailers = [FakeMailer(), FakeMailer()]
    sender = AlertSender([build_thread(*pair) for pair in zip(folders, mailers, strict=True)])
    sender.send(build_alert("database"))
    sender.wait_until_idle(60)
    sender.resolve("database")
    sender.wait_until_idle(60)
    sender.close(60)
    assert [["", " [recovered]"]] * 2 == [[mail.suffix for mail in mailer.sent] for mailer in mailers]
    assert {"pending": 0, "sent": 4, "dead": 0} == sender.count_mails()
    assert sender.is_sender


def test_a_broken_channel_delays_no_other(folders: list[Path]) -> None:
    """If the server of one channel fails, the other channel sends the alert, and the first keeps it."""
    broken, working = FakeMailer(broken=True), FakeMailer()
    sender = AlertSender([build_thread(folders[0], broken), build_thread(folders[1], working)])
    sender.send(build_alert("startup"))
    sender.wait_until_idle(60)
    sender.close(60)
    assert ([], 1) == (broken.sent, len(working.sent))
    assert {"pending": 1, "sent": 1, "dead": 0} == sender.count_mails()


def test_an_unreadable_spool_is_reported(folders: list[Path]) -> None:
    """If a spool cannot be read, the counts are empty, so that the status page reports the spool."""
    (folders[1] / "spool.sqlite").mkdir()
    sender = AlertSender([build_thread(folder, FakeMailer()) for folder in folders])
    assert {} == sender.count_mails()
