"""The policy of mails about incidents, a function of an incident's facts and the time alone."""

from dataclasses import dataclass
from enum import StrEnum

from tax_common.backoff import Backoff

RETRIES = Backoff(first=1.0, longest=60.0)  # between two attempts at a mail


class MailType(StrEnum):
    """The mails of an incident: one first, digests while it goes on, one when it is over."""

    FIRST = "first"
    DIGEST = "digest"
    RECOVERED = "recovered"


@dataclass(frozen=True, slots=True)
class AlertRules:
    """The frequency of mails; all in seconds."""

    repeat: float = 900.0  # at least this long between two mails of an incident that goes on
    quiet: float = 600.0  # a request's incident ends when the failure has not recurred for so long
    wait: float = 1.0  # delay of a request's first mail, which then counts simultaneous failures


@dataclass(frozen=True, slots=True)
class Incident:
    """Failures of one kind, place and route, from the first to the recovery; times are seconds of the Unix epoch."""

    id: int
    token: str  # globally unique: Message-IDs contain it
    kind: str
    place: str
    route: str
    total: int  # failures so far
    mailed: int  # failures that the mails so far have counted
    mails: int  # mails so far
    first_seen: float
    last_seen: float
    last_mail: float
    resolved: bool  # the failed operation has succeeded since
    under_way: bool  # a mail of this incident waits for the SMTP server, and no recipient has received it
    first: str  # the first alert, as JSON
    last: str  # the newest alert, as JSON
    request_ids: str  # JSON: some request ids since the last mail


def choose_mail(incident: Incident, rules: AlertRules, now: float) -> MailType | None:
    """Return the mail that is due now, if any."""
    if incident.under_way:  # mails arrive in order; the next one counts the failures of the meantime
        return None
    if not incident.mails:
        is_early = incident.kind == "request" and 0 <= now - incident.first_seen < rules.wait
        return None if is_early else MailType.FIRST
    if is_over(incident, rules, now):
        return MailType.RECOVERED
    # A clock that was set back must not silence an incident: hence the absolute value.
    is_due = incident.total > incident.mailed and abs(now - incident.last_mail) >= rules.repeat
    return MailType.DIGEST if is_due else None


def is_over(incident: Incident, rules: AlertRules, now: float) -> bool:
    """Return whether the incident has ended: resolved, or requests have not failed this way for a while."""
    return incident.resolved or (incident.kind == "request" and now - incident.last_seen >= rules.quiet)


def closes_incident(incident: Incident, mail_type: MailType) -> bool:
    """Return whether the mail is the incident's last: a failure after it opens a new incident."""
    return mail_type is MailType.RECOVERED or incident.kind == "drill"
