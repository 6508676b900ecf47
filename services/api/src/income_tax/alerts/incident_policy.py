"""The policy that decides which mail is due. It depends only on the incident, the rules and the current time."""

from dataclasses import dataclass
from enum import StrEnum

# A recovery ends each incident of these kinds at once. All other kinds can come and go while the service runs. Their
# incidents stay open for `AlertRules.repeat` after the mail about the recovery.
SEPARATE = {"startup", "request", "reload"}


class MailType(StrEnum):
    """The types of an incident's mails: the first mail, digests while failures continue, and the recovery mail."""

    FIRST = "first"
    DIGEST = "digest"
    RECOVERED = "recovered"


@dataclass(frozen=True, slots=True)
class AlertRules:
    """The intervals, in seconds, that limit the frequency of mails."""

    repeat: float = 900.0  # minimum time between two mails of a continuing incident
    quiet: float = 600.0  # a request's incident ends after this time without a new failure
    refused_span: float = 900.0  # time from the first refusal of a mail by 5xx to its dead letter
    wait: float = 1.0  # delay of a request incident's first mail, so that the mail counts simultaneous failures


@dataclass(frozen=True, slots=True)
class Incident:
    """Failures of one kind, place and route, from the first failure to the recovery. Times are Unix timestamps."""

    id: int
    token: str  # globally unique part of the Message-IDs
    kind: str
    place: str
    route: str
    total: int  # failures so far
    mailed: int  # failures that earlier mails have counted
    mails: int  # mails so far
    first_seen: float
    last_seen: float
    last_mail: float
    resolved: bool  # whether the failed operation has succeeded since the last failure
    under_way: bool  # whether this incident has a pending mail that no recipient has received
    first: str  # the first alert, as JSON
    last: str  # the newest alert, as JSON
    request_ids: str  # JSON array of some request ids of failures since the last mail
    recoveries: int = 0  # recoveries so far
    told: bool = False  # whether the last mail reported a recovery
    recovery_mails: int = 0  # mails about a recovery so far


def choose_mail(incident: Incident, rules: AlertRules, now: float) -> MailType | None:
    """Return the type of the mail that is due now, or None if no mail is due."""
    if incident.under_way:  # no mail is due until the pending mail is sent
        return None
    if not incident.mails:
        is_early = incident.kind == "request" and 0 <= now - incident.first_seen < rules.wait
        return None if is_early else MailType.FIRST
    # Without the absolute value, a clock that was set back would suppress digests.
    has_waited = abs(now - incident.last_mail) >= rules.repeat
    is_due = incident.total > incident.mailed and has_waited
    if incident.told and not is_due:
        return None
    if incident.recovery_mails and not has_waited:  # a failure that comes and goes causes one further mail per `repeat`
        return None
    if is_over(incident, rules, now):
        return MailType.RECOVERED
    return MailType.DIGEST if is_due else None


def is_over(incident: Incident, rules: AlertRules, now: float) -> bool:
    """Return whether the incident is resolved, or is a request's incident without a new failure for `quiet` seconds."""
    return incident.resolved or (incident.kind == "request" and now - incident.last_seen >= rules.quiet)


def closes_incident(incident: Incident, mail_type: MailType) -> bool:
    """Return whether this mail closes the incident. The next failure then opens a new incident."""
    return incident.kind == "drill" or (mail_type is MailType.RECOVERED and incident.kind in SEPARATE)


def has_ended(incident: Incident, rules: AlertRules, now: float) -> bool:
    """Return whether a reported recovery has lasted for `repeat` seconds. The next failure is a new incident."""
    has_lasted = abs(now - incident.last_mail) >= rules.repeat and incident.total == incident.mailed
    return bool(incident.told and incident.resolved and has_lasted)
