"""The delivery to Alertmanager (API v2), which groups, repeats and routes the alerts of all machines.

Alertmanager ends an alert at its `endsAt`, and keeps its alerts in memory only. Therefore, open incidents are posted
again at intervals, and their alerts end soon after the last post. An explicit end would also end the alert of another
machine with the same failure. Nothing is queued: an incident stays open until Alertmanager has accepted it.
"""

import json
import random
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from income_tax.service_log import Log
from tax_common.backoff import Backoff
from tax_common.text_formatting import truncate

from .alert import Alert
from .alert_kinds import describe_kind
from .channel import MailError, MailRefused, MailUnconfirmed
from .deployment import Deployment
from .http_post import post_json, serialize_json
from .incident_policy import AlertRules, Incident, is_over
from .spool import Spool

PATH = "/api/v2/alerts"
NAME = "TaxServiceIncident"  # the label `alertname` of all alerts
RESEND = 30.0  # seconds between two posts of an open incident
# Seconds from a post to the end of the alert. It exceeds Alertmanager's `group_wait` (30 s by default), because
# Alertmanager never notifies an alert that ends before.
LIFETIME = 120.0
RETRIES = Backoff(first=1.0, longest=60.0)
VALUE_MAX = 2000  # maximum characters of an annotation


class AlertmanagerDelivery:
    """Posts the open incidents of a spool."""

    def __init__(
        self,
        url: str,
        rules: AlertRules,
        deployment: Deployment,
        log: Log,
        *,
        clock: Callable[[], float] = time.time,
        random: Callable[[], float] = random.random,
    ) -> None:
        self._url, self._rules, self._deployment = url.rstrip("/") + PATH, rules, deployment
        self._log = log.bind(place="alerts", channel="alertmanager")
        self._clock, self._random = clock, random
        self._posted: dict[Spool, float] = {}  # the time of the last post of each spool
        self._failures = 0  # failed attempts since the last post
        self._next_try = 0.0

    def deliver_due(self, spool: Spool, is_last: bool = False) -> None:  # noqa: ARG002 - of the interface
        """Close the incidents that are over. Post the others if one is new, or if the last post is RESEND seconds old.

        `is_last` has no effect, because every new incident is due. Raises sqlite3.Error or OSError if the spool cannot
        be used.
        """
        now = self._clock()
        for incident in spool.open_incidents():
            if self._has_ended(incident, now):
                self._log.info("alert ended", kind=incident.kind, incident=incident.token)
                spool.record_post(incident, now, closes=True)
        if incidents := self._find_due(spool):
            self._post(spool, incidents, now)

    def _post(self, spool: Spool, incidents: Sequence[Incident], now: float) -> None:
        """Post the incidents together. If Alertmanager refuses them, post each alone, because one can be invalid."""
        reasons = []
        try:
            self._try_to_post(spool, incidents, now)
        except MailRefused as error:
            reasons = (
                self._post_each(spool, incidents, now) if len(incidents) > 1 else [name_incident(incidents[0], error)]
            )
        except (MailError, MailUnconfirmed) as error:
            reasons = [str(error)]
        if not reasons:
            self._posted[spool], self._failures, self._next_try = now, 0, 0.0
            return
        delay = RETRIES.compute_delay(self._failures, self._random)
        self._failures, self._next_try = self._failures + 1, now + delay
        for reason in reasons:
            self._log.error("alert not sent", reason=reason, attempts=self._failures, retry_in=round(delay, 1))

    def _post_each(self, spool: Spool, incidents: Sequence[Incident], now: float) -> list[str]:
        """Post each incident alone until the server fails. Return the reasons of the failures."""
        reasons = []
        for incident in incidents:
            try:
                self._try_to_post(spool, [incident], now)
            except MailRefused as error:
                reasons.append(name_incident(incident, error))
            except (MailError, MailUnconfirmed) as error:
                return [*reasons, str(error)]
        return reasons

    def _try_to_post(self, spool: Spool, incidents: Sequence[Incident], now: float) -> None:
        body = serialize_json([self._build_alert(incident, now) for incident in incidents]).encode()
        post_json("Alertmanager", self._url, body)
        for incident in incidents:
            if not incident.mails:
                self._log.info("alert sent", kind=incident.kind, incident=incident.token)
                spool.record_post(incident, now)

    def is_idle(self, spool: Spool) -> bool:
        """Return True if no incident is due now."""
        return not self._find_due(spool)

    def count_mails(self, spool: Spool) -> dict[str, int]:
        """Count the incidents that Alertmanager has not accepted yet. The other counts concern single messages."""
        return spool.count_mails() | {"pending": sum(not incident.mails for incident in spool.open_incidents())}

    def _find_due(self, spool: Spool) -> list[Incident]:
        now = self._clock()
        if 0 < self._next_try - now <= RETRIES.longest:  # a longer wait means that the clock was set back
            return []
        incidents = [incident for incident in spool.open_incidents() if not self._has_ended(incident, now)]
        is_due = abs(now - self._posted.get(spool, -RESEND)) >= RESEND or not all(
            incident.mails for incident in incidents
        )
        return incidents if is_due else []

    def _has_ended(self, incident: Incident, now: float) -> bool:
        """Return whether an incident is over that Alertmanager has accepted."""
        return bool(incident.mails) and (incident.kind == "drill" or is_over(incident, self._rules, now))

    def _build_alert(self, incident: Incident, now: float) -> dict[str, object]:
        """Build an alert. Its labels omit the machine, so Alertmanager groups the same failure of several machines."""
        kind, host, last = describe_kind(incident.kind), self._deployment.host, Alert.from_json(incident.last)
        labels = {"alertname": NAME, "kind": incident.kind, "place": incident.place, "route": incident.route}
        errors = last.answer.get("response", {}).get("errors", [])
        annotations = {
            "summary": kind.build_subject(host, incident.total),
            "description": truncate(" ".join([last.summary, *map(str, errors)]), VALUE_MAX),
            "host": host,
            "replica": last.host,
            "failures": str(incident.total),
            "request_ids": ", ".join(json.loads(incident.request_ids)),
            "runbook_url": kind.runbook,
        }
        return {
            "labels": {name: value for name, value in labels.items() if value} | {"severity": kind.severity},
            "annotations": {name: value for name, value in annotations.items() if value},
            # Alertmanager refuses a start after the end, which is possible if the clock was set back.
            "startsAt": format_time(min(incident.first_seen, now)),
            "endsAt": format_time(now + LIFETIME),
            **({"generatorURL": page} if (page := self._deployment.status_page).startswith("http") else {}),
        }


def name_incident(incident: Incident, error: MailRefused) -> str:
    """Return the reason why Alertmanager refused an incident, with the incident's kind and token."""
    return f"{incident.kind} {incident.token}: {error}"


def format_time(seconds: float) -> str:
    """Format a Unix timestamp by RFC 3339."""
    return datetime.fromtimestamp(seconds, UTC).isoformat()
