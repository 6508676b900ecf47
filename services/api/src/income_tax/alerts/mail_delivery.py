"""Delivery over a channel of single messages: mails or a webhook, which the docstrings call mails.

A mail is retried until the server accepts it, or until it becomes a dead letter.
"""

import random
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from income_tax.service_log import Log
from tax_common.backoff import Backoff

from .channel import Channel, MailError, MailRefused, MailUnconfirmed, Refusals
from .deployment import Deployment
from .incident_policy import AlertRules, Incident, MailType, choose_mail, has_ended
from .mail_message import MailMessage
from .smtp_replies import format_replies, is_refusal
from .spool import Spool

LONGEST_DELAY = 60.0  # maximum seconds between two attempts to send a mail that was not refused
RETRIES = Backoff(first=1.0, longest=LONGEST_DELAY)
# Delays after each refusal by 5xx, as parts of `AlertRules.refused_span`: 5 s, 25 s, 2 min, 5 min and 7.5 min.
REFUSED_DELAYS = (1 / 180, 1 / 36, 2 / 15, 1 / 3, 1 / 2)
COPIES = 2  # maximum number of attempts after which the server might have delivered the mail


class MailDelivery:
    """Delivers the due mails of a spool."""

    def __init__(
        self,
        channel: Channel,
        rules: AlertRules,
        deployment: Deployment,
        dead: Path,
        log: Log,
        *,
        clock: Callable[[], float] = time.time,
        random: Callable[[], float] = random.random,
    ) -> None:
        self._channel = channel
        self._rules = rules
        self._deployment = deployment
        self._dead = dead
        self._log = log.bind(place="alerts", channel=channel.name)
        self._clock = clock
        self._random = random
        self._sent: set[str] = set()  # accepted mails that the spool has not recorded as sent yet

    def deliver_due(self, spool: Spool, is_last: bool = False) -> None:
        """Queue the due mails, then try to send the pending mails.

        If `is_last` is true, the first mail of each incident is due immediately. Raises sqlite3.Error or
        OSError if the spool cannot be used.
        """
        rules = replace(self._rules, wait=0) if is_last else self._rules
        for incident in spool.open_incidents():
            if choose_mail(incident, rules, self._clock()):
                self._queue(spool, incident.id, rules)
            elif has_ended(incident, rules, self._clock()):
                spool.close_incident(incident)
        for mail in spool.find_due(self._clock()):
            if not self._deliver(spool, mail):
                break  # do not try the other mails now, because the server failed

    def is_idle(self, spool: Spool) -> bool:
        """Return True if no mail is due now."""
        now = self._clock()
        return not spool.find_due(now) and not any(choose_mail(i, self._rules, now) for i in spool.open_incidents())

    def count_mails(self, spool: Spool) -> dict[str, int]:
        """Count the pending mails, and all mails that were ever sent or permanently refused (dead)."""
        return spool.count_mails()

    def _queue(self, spool: Spool, incident_id: int, rules: AlertRules) -> None:
        now = self._clock()

        def build(incident: Incident) -> tuple[MailType, MailMessage] | None:
            """Decide again whether a mail is due, because the incident might have changed."""
            mail_type = choose_mail(incident, rules, now)
            if mail_type is None:
                return None
            return mail_type, self._channel.build_message(incident, mail_type, self._deployment, now)

        spool.queue_mail(incident_id, build, now)

    def _deliver(self, spool: Spool, mail: MailMessage) -> bool:
        """Send the mail, and mark it as sent in the spool. Return False if the server failed, or else True."""
        if mail.name not in self._sent and (goes_on := self._send(spool, mail)) is not None:
            return goes_on
        spool.close_mail(mail, "sent")
        self._sent.discard(mail.name)
        return True

    def _send(self, spool: Spool, mail: MailMessage) -> bool | None:
        """Send the mail. Return None if the mail can be closed as sent.

        Otherwise return False if the server failed, or True if other mails can still be sent.
        """
        # Log each outcome before the spool stores it. Otherwise a crash could leave an outcome without a log line.
        log = self._log.bind(kind=mail.kind, mail=mail.name, alert_request_id=mail.request_id or None)
        if mail.copies >= COPIES:  # two processes ended while they waited for the last reply
            return self._reject(spool, mail, "no process received the reply of the server", log, "alert unconfirmed")
        try:
            refused = self._channel.send(mail, lambda: spool.count_copy(mail))
        except MailUnconfirmed as error:
            return self._retry_unconfirmed(spool, replace(mail, copies=mail.copies + 1), str(error), log)
        except MailRefused as error:
            return self._retry_refused(spool, mail, str(error), log)
        except MailError as error:
            return self._postpone(spool, mail, str(error), log, is_server_down=error.server)
        log.info("alert sent", attempts=mail.attempts + 1, **({"refused": [*refused]} if refused else {}))
        if refused and self._handle_refusals(spool, mail, refused, log):
            return True
        self._sent.add(mail.name)
        return None

    def _handle_refusals(self, spool: Spool, mail: MailMessage, refused: Refusals, log: Log) -> bool:
        """Postpone the mail for the refused recipients. After the last retry, write a dead letter for those with 5xx.

        Return True if the mail was postponed.
        """
        never = {address: reply for address, reply in refused.items() if is_refusal(reply)}
        if never and mail.refusals == len(REFUSED_DELAYS):
            self._write_dead_letter(mail, format_replies(never), log)
            refused = {address: reply for address, reply in refused.items() if address not in never}
            never = {}
        if refused:
            mail, reason = replace(mail, recipients="\n".join(refused)), format_replies(refused)
            (self._retry_refused if never else self._postpone)(spool, mail, reason, log)
        return bool(refused)

    def _retry_refused(self, spool: Spool, mail: MailMessage, reason: str, log: Log) -> bool:
        """Postpone a mail that the server refused with 5xx. After the last retry, write a dead letter. Return True."""
        if mail.refusals == len(REFUSED_DELAYS):
            return self._reject(spool, mail, reason, log)
        delay = REFUSED_DELAYS[mail.refusals] * self._rules.refused_span
        return self._postpone(spool, replace(mail, refusals=mail.refusals + 1), reason, log, delay=delay)

    def _retry_unconfirmed(self, spool: Spool, mail: MailMessage, reason: str, log: Log) -> bool:
        """Postpone a mail that the server might deliver. After the last copy, write a dead letter. Return False."""
        if mail.copies < COPIES:
            return self._postpone(spool, mail, f"{reason}; one more copy follows", log, is_server_down=True)
        self._reject(spool, mail, reason, log, "alert unconfirmed")
        return False

    def _postpone(
        self,
        spool: Spool,
        mail: MailMessage,
        reason: str,
        log: Log,
        *,
        delay: float | None = None,
        is_server_down: bool = False,
    ) -> bool:
        """Schedule a retry for the recipients that have not received the mail. Return False if the server failed."""
        if delay is None:
            delay = RETRIES.compute_delay(mail.attempts, self._random)
        log.error("alert not sent", reason=reason, attempts=mail.attempts + 1, retry_in=round(delay, 1))
        spool.postpone(mail, self._clock(), delay, others=is_server_down)
        return not is_server_down

    def _reject(self, spool: Spool, mail: MailMessage, reason: str, log: Log, event: str = "alert refused") -> bool:
        """Write a dead letter, and close the mail. Return True."""
        if self._write_dead_letter(mail, reason, log, event):
            spool.close_mail(mail, "dead")
        else:  # the mail stays in the spool until its dead letter can be written
            spool.postpone(mail, self._clock(), LONGEST_DELAY, others=False)
        return True

    def _write_dead_letter(self, mail: MailMessage, reason: str, log: Log, event: str = "alert refused") -> bool:
        """Write the mail to a dead-letter file, and log the event. Return whether the write succeeded."""
        path = self._dead / f"{mail.name}{self._channel.file_suffix}"
        try:
            self._dead.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.write_bytes(self._channel.serialize(mail))
        except OSError as error:
            log.error(event, reason=f"{reason}; {path} cannot be written: {error.strerror}", dead_letter=None)
            return False
        log.error(event, reason=reason, dead_letter=str(path))
        return True
