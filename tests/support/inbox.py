"""The alerts that a stack sends during a test, without the mails of earlier tests."""

import re
from collections import Counter
from email.message import EmailMessage

from tests.support.smtp import failures_in
from tests.support.stack import Stack
from tests.support.waiting import wait_until

ROUTE = re.compile(r"^request: GET (\S+)\r?$", re.MULTILINE)


class Inbox:
    """The mails that arrived after the inbox was created. Mails with the same Message-ID count as one mail."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._old = {mail["Message-ID"] for mail in stack.mails()}

    def mails(self, containing: str = "") -> list[EmailMessage]:
        """Return the new mails that contain a text, newest first."""
        mails = self._stack.mails(containing)
        return list({mail["Message-ID"]: mail for mail in mails if mail["Message-ID"] not in self._old}.values())

    def counting(self, **failures: int) -> Counter[str]:
        """Wait until the mails report the given failures per route. Return the number of mails per route."""
        expected = {f"/{name.replace('_', '/')}": count for name, count in failures.items()}
        wait_until(lambda: expected == by_route(self.mails())[0])
        return by_route(self.mails())[1]

    def of_starts(self) -> list[EmailMessage]:
        """Return the mails about failed starts."""
        return self.mails("The tax service could not start")


def by_route(mails: list[EmailMessage]) -> tuple[Counter[str], Counter[str]]:
    """Return two mappings: from route to number of reported failures, and from route to number of mails."""
    failures: Counter[str] = Counter()
    letters: Counter[str] = Counter()
    for mail in mails:
        for route in ROUTE.findall(mail.get_content()):
            failures[route] += failures_in(mail)
            letters[route] += 1
    return failures, letters
