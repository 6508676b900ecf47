"""Delivery of mails. Delivery is retried until the mail server accepts the mail or permanently refuses the mail."""

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from income_tax.service_log import Log
from tax_common.backoff import Backoff

from .incident_policy import AlertRules, choose_mail
from .mail_message import MailMessage, build_due_message
from .smtp_client import Mailer, MailError, MailRefused, Refusals
from .spool import LONGEST_DELAY, Spool

RETRIES = Backoff(first=1.0, longest=LONGEST_DELAY)  # delays between two attempts to send a mail


class MailDelivery:
    """Delivers the due mails of a spool."""

    def __init__(
        self,
        mailer: Mailer,
        rules: AlertRules,
        log_file: str,
        dead: Path,
        log: Log,
        *,
        clock: Callable[[], float] = time.time,
        random: Callable[[], float] = random.random,
    ) -> None:
        self._mailer = mailer
        self._rules = rules
        self._log_file = log_file
        self._dead = dead
        self._log = log.bind(place="alerts")
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
                now = self._clock()
                build = partial(build_due_message, rules=rules, log_file=self._log_file, now=now)
                # `build` decides again whether a mail is due, because the incident might have changed.
                spool.queue_mail(incident.id, build, now)
        for mail in spool.find_due(self._clock()):
            if not self._deliver(spool, mail):
                break  # do not try the other mails now, because the server failed

    def is_idle(self, spool: Spool) -> bool:
        """Return True if no mail is due now."""
        now = self._clock()
        return not spool.find_due(now) and not any(choose_mail(i, self._rules, now) for i in spool.open_incidents())

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
        try:
            refused = self._mailer.send(mail)
        except MailRefused as error:
            return self._reject(spool, mail, str(error), log)
        except MailError as error:
            return self._postpone(spool, mail, str(error), log, is_server_down=error.server)
        log.info("alert sent", attempts=mail.attempts + 1, **({"refused": [*refused]} if refused else {}))
        if refused and self._handle_refusals(spool, mail, refused, log):
            return True
        self._sent.add(mail.name)
        return None

    def _handle_refusals(self, spool: Spool, mail: MailMessage, refused: Refusals, log: Log) -> bool:
        """Write a dead letter for permanently refused recipients. Postpone the mail for temporarily refused recipients.

        Return True if the mail was postponed.
        """
        later = {address: reply for address, (code, reply) in refused.items() if code < 500}
        never = {address: reply for address, (_, reply) in refused.items() if address not in later}
        if never:
            self._write_dead_letter(mail, format_refusals(never), log)
        if later:
            self._postpone(spool, replace(mail, recipients="\n".join(later)), format_refusals(later), log)
        return bool(later)

    def _postpone(
        self, spool: Spool, mail: MailMessage, reason: str, log: Log, *, is_server_down: bool = False
    ) -> bool:
        """Schedule a retry for the recipients that have not received the mail. Return False if the server failed."""
        delay = RETRIES.compute_delay(mail.attempts, self._random)
        log.error("alert not sent", reason=reason, attempts=mail.attempts + 1, retry_in=round(delay, 1))
        spool.postpone(mail, self._clock(), delay, others=is_server_down)
        return not is_server_down

    def _reject(self, spool: Spool, mail: MailMessage, reason: str, log: Log) -> bool:
        if self._write_dead_letter(mail, reason, log):
            spool.close_mail(mail, "dead")
        else:  # the mail stays in the spool until its dead letter can be written
            spool.postpone(mail, self._clock(), LONGEST_DELAY, others=False)
        return True

    def _write_dead_letter(self, mail: MailMessage, reason: str, log: Log) -> bool:
        """Write the refused mail to a dead-letter file. Return whether the write succeeded."""
        path = self._dead / f"{mail.name}.eml"
        try:
            self._dead.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.write_bytes(bytes(self._mailer.build_email(mail)))
        except OSError as error:
            log.error("alert refused", reason=f"{reason}; {path} cannot be written: {error.strerror}", dead_letter=None)
            return False
        log.error("alert refused", reason=reason, dead_letter=str(path))
        return True


def format_refusals(refused: Mapping[str, str]) -> str:
    """Build a text that lists each refused recipient and the server's reply."""
    return "; ".join(f"{address}: {reply}" for address, reply in refused.items())
