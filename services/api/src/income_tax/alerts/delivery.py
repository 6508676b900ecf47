"""Turns incidents into mails and hands them over, again and again until the server has taken or refused them."""

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from income_tax.service_log import Log

from .incident_policy import LONGEST_PAUSE, Incident, Rules, Step, next_step
from .mail_message import Letter, write_letter
from .smtp import Mailer, MailError, MailRefused
from .spool import Spool

FIRST_PAUSE = 1.0  # seconds until the second attempt at a mail


def retry_delay(attempts: int, random: Callable[[], float]) -> float:
    """Seconds until the next attempt: doubled each time up to a bound, less a random part of up to a half."""
    longest = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(attempts, 16))
    return longest * (1 - random() / 2)


def listed(refused: Mapping[str, str]) -> str:
    """Recipients, each with what the server said of him."""
    return "; ".join(f"{address}: {words}" for address, words in refused.items())


class Sender:
    """Sends the mails of a spool that are due."""

    def __init__(
        self,
        mailer: Mailer,
        rules: Rules,
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
        self._taken: set[str] = set()  # mails that the server has and that the spool could not be told of yet

    def turn(self, spool: Spool, last: bool = False) -> None:
        """Queue the mails that are due, and try those that wait; the `last` turn of a process waits for nothing.

        Raises sqlite3.Error or OSError when the spool cannot be used.
        """
        rules = replace(self._rules, wait=0) if last else self._rules
        for incident in spool.open_incidents():
            if next_step(incident, rules, self._clock()):
                spool.queue(incident.id, lambda current: self._write(current, rules), self._clock())
        for letter in spool.due(self._clock()):
            if not self._deliver(spool, letter):
                break  # the server does not answer: one attempt at a time

    def settled(self, spool: Spool) -> bool:
        """Whether there is nothing to send at the moment."""
        now = self._clock()
        return not spool.due(now) and not any(next_step(i, self._rules, now) for i in spool.open_incidents())

    def _write(self, incident: Incident, rules: Rules) -> tuple[Step, Letter] | None:
        now = self._clock()
        step = next_step(incident, rules, now)  # asked again: this is inside the transaction
        return (step, write_letter(incident, step, self._log_file, now)) if step else None

    def _deliver(self, spool: Spool, letter: Letter) -> bool:
        if letter.name in self._taken:
            return self._close(spool, letter)
        # Each outcome is logged before it is kept, so that no end of the process leaves one that was not logged.
        log = self._log.bind(kind=letter.kind, mail=letter.name, alert_request_id=letter.request_id or None)
        try:
            refused = self._mailer.send(letter)
        except MailRefused as error:
            return self._bury(spool, letter, str(error), log)
        except MailError as error:
            delay = retry_delay(letter.attempts, self._random)
            log.error("alert not sent", reason=str(error), attempts=letter.attempts + 1, retry_in=round(delay, 1))
            spool.postpone(letter, self._clock(), delay, others=error.server)
            return not error.server
        log.info("alert sent", attempts=letter.attempts + 1, **({"refused": [*refused]} if refused else {}))
        later = {address: words for address, (code, words) in refused.items() if code < 500}
        never = {address: words for address, (_, words) in refused.items() if address not in later}
        if never:
            self._keep_dead(letter, listed(never), log)
        if later:
            return self._wait_for(spool, letter, later, log)
        self._taken.add(letter.name)
        return self._close(spool, letter)

    def _wait_for(self, spool: Spool, letter: Letter, later: Mapping[str, str], log: Log) -> bool:
        """Let the mail wait for those alone who were refused for now, while another got it."""
        delay = retry_delay(letter.attempts, self._random)
        log.error("alert not sent", reason=listed(later), attempts=letter.attempts + 1, retry_in=round(delay, 1))
        spool.postpone(replace(letter, recipients="\n".join(later)), self._clock(), delay, others=False)
        return True

    def _close(self, spool: Spool, letter: Letter) -> bool:
        spool.close_letter(letter, "sent")
        self._taken.discard(letter.name)
        return True

    def _bury(self, spool: Spool, letter: Letter, reason: str, log: Log) -> bool:
        if self._keep_dead(letter, reason, log):
            spool.close_letter(letter, "dead")
        else:  # it stays in the spool until there is room
            spool.postpone(letter, self._clock(), LONGEST_PAUSE, others=False)
        return True

    def _keep_dead(self, letter: Letter, reason: str, log: Log) -> bool:
        """Keep the mail as a file; whether that was possible."""
        path = self._dead / f"{letter.name}.eml"
        try:
            self._dead.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.write_bytes(bytes(self._mailer.message(letter)))
        except OSError as error:
            log.error("alert refused", reason=f"{reason}; {path} cannot be written: {error.strerror}", dead_letter=None)
            return False
        log.error("alert refused", reason=reason, dead_letter=str(path))
        return True
