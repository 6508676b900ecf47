"""When an incident is mailed: decided from its facts and the time alone."""

from dataclasses import dataclass
from enum import StrEnum

LONGEST_PAUSE = 60.0  # seconds between two attempts at a mail


class Step(StrEnum):
    """The mails of an incident: one first, digests while it goes on, one when it is over."""

    FIRST = "first"
    DIGEST = "digest"
    RECOVERED = "recovered"


@dataclass(frozen=True, slots=True)
class Rules:
    """How often mails may come; all in seconds."""

    repeat: float = 900.0  # at least this long between two mails of an incident that goes on
    quiet: float = 600.0  # a request's incident is over when it has not happened for so long
    wait: float = 1.0  # a request's first mail waits so long, to have the count of what fails at the same time


@dataclass(frozen=True, slots=True)
class Incident:
    """Failures of one kind, place and route, from the first to the recovery; times are seconds of the Unix epoch."""

    id: int
    token: str  # unique in the world: message ids are made of it
    kind: str
    place: str
    route: str
    total: int  # failures so far
    mailed: int  # of these, how many the mails so far have counted
    mails: int  # mails so far
    first_seen: float
    last_seen: float
    last_mail: float
    resolved: bool  # what failed has worked since
    under_way: bool  # a mail of this incident is waiting for the SMTP server, which nobody has got yet
    first: str  # the first alert, as stored
    last: str  # the newest one
    request_ids: str  # JSON: some request ids since the last mail


def next_step(incident: Incident, rules: Rules, now: float) -> Step | None:
    """The mail that is due now, if any."""
    if incident.under_way:  # mails arrive in order; what happens meanwhile is counted by the next one
        return None
    if not incident.mails:
        patient = incident.kind == "request" and 0 <= now - incident.first_seen < rules.wait
        return None if patient else Step.FIRST
    if is_over(incident, rules, now):
        return Step.RECOVERED
    # A clock that was set back must not silence an incident: hence the absolute value.
    due = incident.total > incident.mailed and abs(now - incident.last_mail) >= rules.repeat
    return Step.DIGEST if due else None


def is_over(incident: Incident, rules: Rules, now: float) -> bool:
    """Whether the failure is gone: a start succeeded, or requests have not failed this way for a while."""
    return incident.resolved or (incident.kind == "request" and now - incident.last_seen >= rules.quiet)


def closes(incident: Incident, step: Step) -> bool:
    """Whether the mail is the incident's last: what fails after it is a new incident."""
    return step is Step.RECOVERED or incident.kind == "drill"
