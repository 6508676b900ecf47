"""The mail policy determines which mail of an incident is due, and which mail closes the incident."""

from dataclasses import replace

import pytest

from income_tax.alerts.incident_policy import (
    AlertRules,
    Incident,
    MailType,
    choose_mail,
    closes_incident,
    is_over,
)

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
        ({"kind": "database", "resolved": True, "told": True}, 10**6, None),
        ({"kind": "database", "resolved": True, "told": True, "total": 6}, 899.0, None),
        ({"kind": "database", "resolved": True, "told": True, "total": 6}, 900.0, MailType.RECOVERED),
        ({"kind": "database", "resolved": False, "told": True, "total": 6}, 899.0, None),
        ({"kind": "database", "resolved": False, "told": True, "total": 6}, 900.0, MailType.DIGEST),
        ({"kind": "database", "resolved": True, "recovery_mails": 1}, 899.0, None),
        ({"kind": "database", "resolved": True, "recovery_mails": 1}, 900.0, MailType.RECOVERED),
        ({"kind": "database", "resolved": True, "recovery_mails": 0}, 0.0, MailType.RECOVERED),
    ],
)
def test_due_mail_at_each_limit(changes: dict[str, object], now: float, step: MailType | None) -> None:
    """Each mail becomes due exactly at a limit of the policy, such as the end of the wait before the first mail."""
    assert step is choose_mail(replace(INCIDENT, **changes), RULES, now)  # type: ignore[arg-type]


def test_ends_of_incidents() -> None:
    """Resolved incidents and quiet request incidents are over. A recovery mail or a drill mail closes its incident."""
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
