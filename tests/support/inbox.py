"""The alerts that the stack sends while a test looks: what other tests have left is not counted."""

import re
from collections import Counter
from email.message import EmailMessage

from tests.support.smtp import failures_in
from tests.support.stack import Stack
from tests.support.waiting import wait_until

ROUTE = re.compile(r"^request: GET (\S+)\r?$", re.MULTILINE)


class Inbox:
    """The mails that have come since it was made; what came twice under one Message-ID counts once."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._old = {mail["Message-ID"] for mail in stack.mails()}

    def mails(self, containing: str = "") -> list[EmailMessage]:
        """The new mails, newest first."""
        mails = self._stack.mails(containing)
        return list({mail["Message-ID"]: mail for mail in mails if mail["Message-ID"] not in self._old}.values())

    def counting(self, **failures: int) -> Counter[str]:
        """How many mails there are for each drill, once their counts are these."""
        expected = {f"/{name.replace('_', '/')}": count for name, count in failures.items()}
        wait_until(lambda: expected == by_route(self.mails())[0])
        return by_route(self.mails())[1]

    def of_starts(self) -> list[EmailMessage]:
        """The mails about starts that failed, not about requests or a database that went away."""
        return self.mails("The tax service could not start")


def by_route(mails: list[EmailMessage]) -> tuple[Counter[str], Counter[str]]:
    """The failures that the mails count, and the mails themselves, for each address."""
    failures: Counter[str] = Counter()
    letters: Counter[str] = Counter()
    for mail in mails:
        for route in ROUTE.findall(mail.get_content()):
            failures[route] += failures_in(mail)
            letters[route] += 1
    return failures, letters
