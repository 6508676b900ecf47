"""The spool stores each failure once, and the state of each incident."""

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from income_tax.alerts.incident_policy import Incident, MailType
from income_tax.alerts.mail_message import MailMessage
from income_tax.alerts.spool import SAMPLES, Spool
from income_tax.alerts.spool_schema import ADDED
from tests.unit.income_tax.alerts.world import build_alert, build_mail, get_incident


def by_place(spool: Spool) -> list[Incident]:
    """Return the open incidents, sorted by place."""
    return sorted(spool.open_incidents(), key=lambda incident: incident.place)


def test_a_failure_opens_an_incident(spool: Spool) -> None:
    """The first failure opens an incident with all fields of the failure and a unique token."""
    failure = build_alert(request_id="id-1")
    spool.report(failure, 7.0)
    incident = get_incident(spool)
    stored = failure.to_json()
    assert 16 == len(incident.token)
    assert Incident(
        1, incident.token, "request", "p", "/", 1, 0, 0, 7.0, 7.0, 0.0, False, False, stored, stored, '["id-1"]'
    ) == replace(incident, resolved=bool(incident.resolved), under_way=bool(incident.under_way))


def test_the_next_failure_is_counted(spool: Spool) -> None:
    """An incident counts failures of the same kind, place and route. It stores the last failure and the request ids."""
    for now, request_id in enumerate((None, "id-1", None, "id-2")):
        spool.report(build_alert(request_id=request_id), float(now))
    spool.report(build_alert(place="other"), 9.0)
    other, incident = by_place(spool)
    assert (4, 0.0, 3.0, '["id-1","id-2"]') == (
        incident.total,
        incident.first_seen,
        incident.last_seen,
        incident.request_ids,
    )
    assert [None, "id-2"] == [json.loads(text)["request_id"] for text in (incident.first, incident.last)]
    assert ("other", 1, "[]") == (other.place, other.total, other.request_ids)


def test_first_request_ids_are_kept(spool: Spool) -> None:
    """An incident keeps its first five request ids."""
    for number in range(SAMPLES + 2):
        spool.report(build_alert(request_id=f"id-{number}"), 1.0)
    assert [f"id-{number}" for number in range(SAMPLES)] == json.loads(get_incident(spool).request_ids)


def test_each_drill_is_an_incident(spool: Spool) -> None:
    """Each drill has a unique route and therefore opens its own incident."""
    spool.report(build_alert("drill"), 1.0)
    spool.report(build_alert("drill"), 1.0)
    assert [True, True] == [incident.route == incident.token for incident in spool.open_incidents()]


def test_unreported_incidents_move_to_another_spool(spool: Spool) -> None:
    """Incidents that no mail has reported can move to another spool, which merges them with its own incidents."""
    spool.report(build_alert("startup"), 1.0)
    told = get_incident(spool)
    spool.queue_mail(told.id, lambda _: (MailType.FIRST, build_mail("a")), 2.0)
    spool.report(build_alert(request_id="id-1"), 3.0)
    spool.report(build_alert(), 4.0)
    untold = spool.pop_unreported()
    assert [("request", 2)] == [(incident.kind, incident.total) for incident in untold]
    assert [("startup", 1)] == [(incident.kind, incident.total) for incident in spool.open_incidents()]
    other = Spool(None)
    other.report(build_alert(), 9.0)
    other.merge_incident(untold[0])
    assert (3, 9.0, 4.0, '["id-1"]') == (
        get_incident(other).total,
        get_incident(other).first_seen,
        get_incident(other).last_seen,
        get_incident(other).request_ids,
    )


def test_one_kind_is_resolved(spool: Spool) -> None:
    """`resolve` resolves only the open incidents of the given kind. A later failure reopens its incident."""
    spool.report(build_alert("startup"), 1.0)
    spool.report(build_alert("database"), 1.0)
    spool.resolve("startup")
    assert {"startup": 1, "database": 0} == {i.kind: i.resolved for i in spool.open_incidents()}
    spool.report(build_alert("startup"), 2.0)
    assert {"startup": 0, "database": 0} == {i.kind: i.resolved for i in spool.open_incidents()}


def test_a_queued_mail_counts_its_failures(spool: Spool) -> None:
    """A queued mail is due immediately and counts the failures so far. Its incident gets the mark `under_way`."""
    for request_id in ("id-1", "id-2"):
        spool.report(build_alert(request_id=request_id), 1.0)
    spool.report(build_alert(place="other"), 1.0)
    other, incident = by_place(spool)
    seen: list[Incident] = []

    def write(current: Incident) -> tuple[MailType, MailMessage]:
        seen.append(current)
        return MailType.FIRST, build_mail("a")

    spool.queue_mail(incident.id, write, 5.0)
    assert [incident] == seen
    same, queued = by_place(spool)
    assert other == same
    assert (2, 2, 1, 5.0, 1, "[]") == (
        queued.total,
        queued.mailed,
        queued.mails,
        queued.last_mail,
        queued.under_way,
        queued.request_ids,
    )
    assert [replace(build_mail("a"), id=1)] == spool.find_due(5.0)
    assert {"pending": 1, "sent": 0, "dead": 0} == spool.count_mails()


def test_no_mail_is_queued_unless_due(spool: Spool) -> None:
    """No mail is queued if the callback builds no mail or if the incident is not open."""
    spool.report(build_alert(), 1.0)
    before = get_incident(spool)
    spool.queue_mail(before.id, lambda _: None, 2.0)
    spool.queue_mail(before.id + 1, lambda _: (MailType.FIRST, build_mail("a")), 2.0)
    assert before == get_incident(spool)
    assert [] == spool.find_due(2.0)


def test_the_last_mail_closes_its_incident(spool: Spool) -> None:
    """The mail of a recovery or of a drill closes its incident."""
    spool.report(build_alert(), 1.0)
    spool.queue_mail(get_incident(spool).id, lambda _: (MailType.RECOVERED, build_mail("a")), 2.0)
    assert [] == spool.open_incidents()
    spool.report(build_alert("drill"), 1.0)
    spool.queue_mail(get_incident(spool).id, lambda _: (MailType.FIRST, build_mail("b")), 2.0)
    assert [] == spool.open_incidents()


def test_a_post_is_recorded(spool: Spool) -> None:
    """The spool keeps the time of an incident's first post. The last post closes it, unless it has a new failure."""
    spool.report(build_alert(), 1.0)
    first = get_incident(spool)
    spool.record_post(first, 2.0)
    spool.report(build_alert(), 3.0)
    spool.record_post(first, 4.0, closes=True)
    current = get_incident(spool)
    assert (2, 1, 2, 2.0) == (current.total, current.mailed, current.mails, current.last_mail)
    spool.record_post(current, 5.0, closes=True)
    assert [] == spool.open_incidents()


def test_closed_incidents_are_deleted_after_many_posts(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The spool keeps a limited number of incidents that a post has closed."""
    monkeypatch.setattr("income_tax.alerts.spool.HISTORY", 3)
    for _ in range(9):
        spool.report(build_alert("drill"), 1.0)
        spool.record_post(get_incident(spool), 2.0, closes=True)
    with spool._store.connect() as db:
        assert (3,) == db.execute("SELECT count(*) FROM incidents").fetchone()


def test_an_older_file_is_migrated(tmp_path: Path) -> None:
    """An older spool file gets the added columns and keeps its mails. A current spool file stays unchanged."""
    path = tmp_path / "spool.sqlite"
    for older in (True, False):
        spool = Spool(path)
        spool.report(build_alert("drill"), 1.0)
        spool.queue_mail(
            get_incident(spool).id, lambda _: (MailType.FIRST, replace(build_mail("a"), recipients="b@test")), 1.0
        )
        spool.close()
        if older:
            with closing(sqlite3.connect(path)) as db:
                for table, columns in ADDED.items():
                    for column in columns:
                        db.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
    assert ["", "b@test"] == [one.recipients for one in Spool(path).find_due(1.0)]


def test_incidents_persist_after_their_process(tmp_path: Path) -> None:
    """A process can read the failures that an earlier process reported."""
    path = tmp_path / "spool.sqlite"
    first = Spool(path)
    first.report(build_alert(), 1.0)
    first.close()
    assert 1 == len(Spool(path).open_incidents())
