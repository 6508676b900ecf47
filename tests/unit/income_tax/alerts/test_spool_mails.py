"""The order, the delays and the closing of the spool's mails."""

from dataclasses import replace

import pytest

from income_tax.alerts.incident_policy import MailType
from income_tax.alerts.mail_message import MailMessage
from income_tax.alerts.spool import Spool
from tests.unit.income_tax.alerts.world import build_alert, build_mail, get_incident


def three_mails(spool: Spool) -> list[MailMessage]:
    """Queue three mails that are due at time 10, and return these mails."""
    for name in ("c", "b", "a"):
        spool.report(build_alert("drill"), 1.0)
        spool.queue_mail(get_incident(spool).id, lambda _, name=name: (MailType.FIRST, build_mail(name)), 10.0)  # type: ignore[misc]
    return spool.find_due(10.0)


def test_mails_are_sent_in_their_order(spool: Spool) -> None:
    """Due mails are returned in the order in which they were queued."""
    assert ["c", "b", "a"] == [one.name for one in three_mails(spool)]


def test_a_postponed_mail_is_due_later(spool: Spool) -> None:
    """`postpone` delays one mail, and also all other mails if `others` is true."""
    first, *_ = three_mails(spool)
    spool.postpone(replace(first, recipients="b@test"), 10.0, 5.0, others=False)
    assert ["b", "a"] == [one.name for one in spool.find_due(14.9)]
    assert [("c", 1, "b@test"), ("b", 0, ""), ("a", 0, "")] == [
        (one.name, one.attempts, one.recipients) for one in spool.find_due(15.0)
    ]
    spool.postpone(spool.find_due(15.0)[1], 15.0, 8.0, others=True)
    assert [] == spool.find_due(22.9)
    assert [1, 1, 0] == [one.attempts for one in spool.find_due(23.0)]


def test_a_clock_that_was_set_back_suppresses_no_mail(spool: Spool) -> None:
    """A mail that was postponed later than now is due, because the clock was set back. It can be postponed again."""
    first, second, _ = three_mails(spool)
    spool.postpone(first, 10.0, 59.0, others=False)
    spool.postpone(second, 10.0, 1.0, others=True)
    assert ["b", "a"] == [one.name for one in spool.find_due(11.0)]
    assert ["c", "b", "a"] == [one.name for one in spool.find_due(69.0)]
    spool.postpone(first, 100.0, 60.0, others=False)
    assert ["b", "a"] == [one.name for one in spool.find_due(100.0)]
    assert ["c", "b", "a"] == [one.name for one in spool.find_due(99.9)]
    spool.postpone(second, 0.0, 60.0, others=True)
    assert [] == spool.find_due(59.9)
    assert 3 == len(spool.find_due(60.0))


def test_a_closed_mail_is_not_due(spool: Spool) -> None:
    """A closed mail is no longer due and loses its body. The mails are counted by their state."""
    first, second, third = three_mails(spool)
    spool.close_mail(first, "sent")
    spool.close_mail(second, "dead")
    assert [third] == spool.find_due(100.0)
    spool.close_mail(third, "sent")
    assert {"pending": 0, "sent": 2, "dead": 1} == spool.count_mails()
    with spool._store.connect() as db:
        states = db.execute("SELECT state, body FROM letters ORDER BY id").fetchall()
    assert [("sent", ""), ("dead", ""), ("sent", "")] == states


def test_open_incidents_are_never_deleted(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Open incidents and pending mails are never deleted, even if many later incidents are closed."""
    monkeypatch.setattr("income_tax.alerts.spool.HISTORY", 10)
    spool.report(build_alert(), 1.0)
    spool.queue_mail(get_incident(spool).id, lambda _: (MailType.FIRST, build_mail("first")), 1.0)
    for _ in range(20):
        spool.report(build_alert("drill"), 1.0)
        (drill,) = (incident for incident in spool.open_incidents() if incident.kind == "drill")
        spool.queue_mail(drill.id, lambda _: (MailType.FIRST, build_mail("drill")), 1.0)
        spool.close_mail(spool.find_due(1.0)[-1], "sent")
    assert "first" == spool.find_due(1.0)[0].name
    assert "request" == get_incident(spool).kind
    with spool._store.connect() as db:
        assert [(11,), (11,)] == [
            db.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608
            for table in ("letters", "incidents")
        ]
