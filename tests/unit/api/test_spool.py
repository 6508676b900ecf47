"""What the spool of alerts keeps: each failure, each mail, and the order and time of both."""

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from income_tax.alerts.alert import Alert, Kind
from income_tax.alerts.incident_policy import (
    RETRIES,
    AlertRules,
    Incident,
    MailType,
    choose_mail,
    closes_incident,
    is_over,
)
from income_tax.alerts.mail_message import MailMessage
from income_tax.alerts.spool import SAMPLES, Spool


def alert(kind: Kind = "request", request_id: str | None = None, place: str = "p", route: str = "/") -> Alert:
    """A failure."""
    return Alert(kind, "It failed:", {"a": 1}, request_id, {}, place, route)


def letter(name: str) -> MailMessage:
    """A mail."""
    return MailMessage(name, " [s]", "body", 5.0, "request", "id-1")


@pytest.fixture
def spool() -> Spool:
    return Spool(None)


def only(spool: Spool) -> Incident:
    """The one incident that is open."""
    (incident,) = spool.open_incidents()
    return incident


def by_place(spool: Spool) -> list[Incident]:
    """The open incidents in the order of their places."""
    return sorted(spool.open_incidents(), key=lambda incident: incident.place)


def test_a_failure_opens_an_incident(spool: Spool) -> None:
    """An incident begins with all facts of its first failure, under a token that no other one has."""
    failure = alert(request_id="id-1")
    spool.report(failure, 7.0)
    incident = only(spool)
    stored = failure.to_json()
    assert 16 == len(incident.token)
    assert Incident(
        1, incident.token, "request", "p", "/", 1, 0, 0, 7.0, 7.0, 0.0, False, False, stored, stored, '["id-1"]'
    ) == replace(incident, resolved=bool(incident.resolved), under_way=bool(incident.under_way))


def test_the_next_failure_is_counted(spool: Spool) -> None:
    """A further failure of the kind, place and route is counted, is the last, and adds its request's id."""
    for now, request_id in enumerate((None, "id-1", None, "id-2")):
        spool.report(alert(request_id=request_id), float(now))
    spool.report(alert(place="other"), 9.0)
    other, incident = by_place(spool)
    assert (4, 0.0, 3.0, '["id-1","id-2"]') == (
        incident.total,
        incident.first_seen,
        incident.last_seen,
        incident.request_ids,
    )
    assert [None, "id-2"] == [json.loads(text)["request_id"] for text in (incident.first, incident.last)]
    assert ("other", 1, "[]") == (other.place, other.total, other.request_ids)


def test_some_request_ids_are_kept(spool: Spool) -> None:
    """An incident keeps its first five request ids."""
    for number in range(SAMPLES + 2):
        spool.report(alert(request_id=f"id-{number}"), 1.0)
    assert [f"id-{number}" for number in range(SAMPLES)] == json.loads(only(spool).request_ids)


def test_each_drill_is_an_incident(spool: Spool) -> None:
    """A drill has a route of its own, other failures that of their address."""
    spool.report(alert("drill"), 1.0)
    spool.report(alert("drill"), 1.0)
    assert [True, True] == [incident.route == incident.token for incident in spool.open_incidents()]


def test_what_no_mail_has_told_moves_to_another_spool(spool: Spool) -> None:
    """The incidents that no mail has told are taken out of one spool and added to those of another."""
    spool.report(alert("startup"), 1.0)
    told = only(spool)
    spool.queue_mail(told.id, lambda _: (MailType.FIRST, letter("a")), 2.0)
    spool.report(alert(request_id="id-1"), 3.0)
    spool.report(alert(), 4.0)
    untold = spool.pop_unreported()
    assert [("request", 2)] == [(incident.kind, incident.total) for incident in untold]
    assert [("startup", 1)] == [(incident.kind, incident.total) for incident in spool.open_incidents()]
    other = Spool(None)
    other.report(alert(), 9.0)
    other.merge_incident(untold[0])
    assert (3, 9.0, 4.0, '["id-1"]') == (
        only(other).total,
        only(other).first_seen,
        only(other).last_seen,
        only(other).request_ids,
    )


def test_only_the_kind_that_works_is_resolved(spool: Spool) -> None:
    """What works again resolves the open incidents of its kind; a failure after that takes it back."""
    spool.report(alert("startup"), 1.0)
    spool.report(alert("database"), 1.0)
    spool.resolve("startup")
    assert {"startup": 1, "database": 0} == {i.kind: i.resolved for i in spool.open_incidents()}
    spool.report(alert("startup"), 2.0)
    assert {"startup": 0, "database": 0} == {i.kind: i.resolved for i in spool.open_incidents()}


def test_a_queued_mail_has_counted_its_failures(spool: Spool) -> None:
    """A mail that is queued is due at once, under way until it is sent, and has counted the failures so far."""
    for request_id in ("id-1", "id-2"):
        spool.report(alert(request_id=request_id), 1.0)
    spool.report(alert(place="other"), 1.0)
    other, incident = by_place(spool)
    seen: list[Incident] = []

    def write(current: Incident) -> tuple[MailType, MailMessage]:
        seen.append(current)
        return MailType.FIRST, letter("a")

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
    assert [replace(letter("a"), id=1)] == spool.find_due(5.0)
    assert {"pending": 1, "sent": 0, "dead": 0} == spool.count_mails()


def test_nothing_is_queued_of_what_is_not_due(spool: Spool) -> None:
    """No mail is queued when none is written, nor of an incident that is not open."""
    spool.report(alert(), 1.0)
    before = only(spool)
    spool.queue_mail(before.id, lambda _: None, 2.0)
    spool.queue_mail(before.id + 1, lambda _: (MailType.FIRST, letter("a")), 2.0)
    assert before == only(spool)
    assert [] == spool.find_due(2.0)


def test_the_last_mail_closes_its_incident(spool: Spool) -> None:
    """After the mail of a recovery, or of a drill, what fails is a new incident."""
    spool.report(alert(), 1.0)
    spool.queue_mail(only(spool).id, lambda _: (MailType.RECOVERED, letter("a")), 2.0)
    assert [] == spool.open_incidents()
    spool.report(alert("drill"), 1.0)
    spool.queue_mail(only(spool).id, lambda _: (MailType.FIRST, letter("b")), 2.0)
    assert [] == spool.open_incidents()


def three_mails(spool: Spool) -> list[MailMessage]:
    """Three mails that are due at 10."""
    for name in ("c", "b", "a"):
        spool.report(alert("drill"), 1.0)
        spool.queue_mail(only(spool).id, lambda _, name=name: (MailType.FIRST, letter(name)), 10.0)  # type: ignore[misc]
    assert [] == spool.find_due(9.9)
    return spool.find_due(10.0)


def test_mails_are_sent_in_their_order(spool: Spool) -> None:
    """Mails are due from their time on, the oldest first."""
    assert ["c", "b", "a"] == [one.name for one in three_mails(spool)]


def test_a_mail_that_waits(spool: Spool) -> None:
    """A mail waits for its pause alone, for its recipients; a server that failed is spared by the others too."""
    first, *_ = three_mails(spool)
    spool.postpone(replace(first, recipients="b@test"), 10.0, 5.0, others=False)
    assert ["b", "a"] == [one.name for one in spool.find_due(14.9)]
    assert [("c", 1, "b@test"), ("b", 0, ""), ("a", 0, "")] == [
        (one.name, one.attempts, one.recipients) for one in spool.find_due(15.0)
    ]
    spool.postpone(spool.find_due(15.0)[1], 15.0, 8.0, others=True)
    assert [] == spool.find_due(22.9)
    assert [1, 1, 0] == [one.attempts for one in spool.find_due(23.0)]


def test_no_mail_waits_longer_than_the_longest_pause(spool: Spool) -> None:
    """A mail's pause is bounded when the server fails, and one beyond the bound is due: the clock was set back."""
    first, second, _ = three_mails(spool)
    spool.postpone(first, 10.0, 59.0, others=False)
    spool.postpone(second, 10.0, 1.0, others=True)
    assert ["b", "a"] == [one.name for one in spool.find_due(11.0)]
    assert ["c", "b", "a"] == [one.name for one in spool.find_due(69.0)]
    spool.postpone(first, 100.0, RETRIES.longest, others=False)
    assert ["b", "a"] == [one.name for one in spool.find_due(100.0)]
    assert ["c", "b", "a"] == [one.name for one in spool.find_due(99.9)]
    spool.postpone(second, 0.0, RETRIES.longest, others=True)
    assert [] == spool.find_due(59.9)
    assert 3 == len(spool.find_due(60.0))


def test_a_mail_that_is_closed(spool: Spool) -> None:
    """A mail that is sent or dead is not due, is counted as what it is, and leaves its body behind."""
    first, second, third = three_mails(spool)
    spool.close_mail(first, "sent")
    spool.close_mail(second, "dead")
    assert [third] == spool.find_due(100.0)
    spool.close_mail(third, "sent")
    assert {"pending": 0, "sent": 2, "dead": 1} == spool.count_mails()
    with spool._store.connect() as db:
        states = db.execute("SELECT state, body FROM letters ORDER BY id").fetchall()
    assert [("sent", ""), ("dead", ""), ("sent", "")] == states


def test_what_is_open_is_never_forgotten(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Incidents and mails that wait outlast any number of later ones that are closed."""
    monkeypatch.setattr("income_tax.alerts.spool.HISTORY", 10)
    spool.report(alert(), 1.0)
    spool.queue_mail(only(spool).id, lambda _: (MailType.FIRST, letter("first")), 1.0)
    for _ in range(20):
        spool.report(alert("drill"), 1.0)
        (drill,) = (incident for incident in spool.open_incidents() if incident.kind == "drill")
        spool.queue_mail(drill.id, lambda _: (MailType.FIRST, letter("drill")), 1.0)
        spool.close_mail(spool.find_due(1.0)[-1], "sent")
    assert "first" == spool.find_due(1.0)[0].name
    assert "request" == only(spool).kind
    with spool._store.connect() as db:
        assert [(11,), (11,)] == [
            db.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608
            for table in ("letters", "incidents")
        ]


def test_the_file_of_an_older_service_gets_its_column(tmp_path: Path) -> None:
    """A spool without recipients gets them, empty, with its mails; one that has them is left alone."""
    path = tmp_path / "spool.sqlite"
    for older in (True, False):
        spool = Spool(path)
        spool.report(alert("drill"), 1.0)
        spool.queue_mail(only(spool).id, lambda _: (MailType.FIRST, replace(letter("a"), recipients="b@test")), 1.0)
        spool.close()
        if older:
            with closing(sqlite3.connect(path)) as db:
                db.execute("ALTER TABLE letters DROP COLUMN recipients")
    assert ["", "b@test"] == [one.recipients for one in Spool(path).find_due(1.0)]


def test_a_spool_s_file_outlasts_its_process(tmp_path: Path) -> None:
    """What was reported is read from the file by whoever opens it next."""
    path = tmp_path / "spool.sqlite"
    first = Spool(path)
    first.report(alert(), 1.0)
    first.close()
    assert 1 == len(Spool(path).open_incidents())


INCIDENT = Incident(1, "t", "request", "p", "/", 5, 5, 1, 0.0, 0.0, 0.0, False, False, "", "", "[]")
RULES = AlertRules()


@pytest.mark.parametrize(
    ("changes", "now", "step"),
    [
        ({"mails": 0}, 0.0, None),
        ({"mails": 0}, 0.999, None),
        ({"mails": 0}, 1.0, MailType.FIRST),
        ({"mails": 0}, -0.001, MailType.FIRST),
        ({"mails": 0, "kind": "startup"}, 0.0, MailType.FIRST),
        ({"mails": 0, "under_way": True}, 5.0, None),
        ({"mails": 0, "resolved": True}, 5.0, MailType.FIRST),
        ({}, 599.999, None),
        ({}, 600.0, MailType.RECOVERED),
        ({"kind": "startup"}, 10**6, None),
        ({"kind": "startup", "resolved": True}, 0.0, MailType.RECOVERED),
        ({"resolved": True}, 0.0, MailType.RECOVERED),
        ({"resolved": True, "under_way": True}, 0.0, None),
        ({"total": 6, "last_seen": 800.0}, 899.999, None),
        ({"total": 6, "last_seen": 800.0}, 900.0, MailType.DIGEST),
        ({"total": 5, "last_seen": 800.0}, 900.0, None),
        ({"total": 6}, -900.0, MailType.DIGEST),
        ({"total": 6}, -899.0, None),
    ],
)
def test_which_mail_is_due(changes: dict[str, object], now: float, step: MailType | None) -> None:
    """Each bound of the policy: the first mail's wait, the digests' interval, the quiet that ends an incident."""
    assert step is choose_mail(replace(INCIDENT, **changes), RULES, now)  # type: ignore[arg-type]


def test_what_is_over_and_what_closes() -> None:
    """An incident is over when it was resolved, a request's when it is quiet; a recovery and a drill close theirs."""
    assert [True, False, True, False] == [
        is_over(replace(INCIDENT, resolved=True), RULES, 0.0),
        is_over(INCIDENT, RULES, 599.0),
        is_over(INCIDENT, RULES, 600.0),
        is_over(replace(INCIDENT, kind="startup"), RULES, 600.0),
    ]
    drill = replace(INCIDENT, kind="drill")
    assert [True, False, False, True] == [
        closes_incident(INCIDENT, MailType.RECOVERED),
        closes_incident(INCIDENT, MailType.DIGEST),
        closes_incident(INCIDENT, MailType.FIRST),
        closes_incident(drill, MailType.FIRST),
    ]
