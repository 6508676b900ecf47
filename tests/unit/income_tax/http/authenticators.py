"""An authenticator with fake stores and cheap hashes, for the tests of authentication."""

from collections.abc import Mapping

import pytest

from income_tax.http.auth.basic_auth import Authenticator, RetryLater
from income_tax.http.auth.login_throttle import FREE_FAILURES, LoginThrottle
from income_tax.http.auth.password_check_queue import PasswordCheckQueue
from income_tax.service_log import build_logger
from tests.support.fakes import FakeClock, FakeFailures, FakeUsers, Lines, build_counters

CHEAP = "scrypt:1024:8:1"  # a low cost keeps the tests fast
HERE, THERE = "192.0.2.1", "192.0.2.2"


class LocalAuthenticator(Authenticator):
    """Authenticator whose `verify` uses the address HERE unless a test passes another address."""

    def __init__(self, hashes: Mapping[str, str], clock: FakeClock | None = None, threads: int = 8) -> None:
        self.clock = clock or FakeClock()
        self.store = FakeFailures()
        log = build_logger("api", Lines().write, "json", "info")
        self.throttle = LoginThrottle(self.store, log, self.clock)
        self.counters = build_counters()
        self.queue = PasswordCheckQueue(threads, self.counters)
        super().__init__(FakeUsers(hashes), self.throttle, self.queue, self.counters.count_login, self.clock)

    def verify(self, login: str, password: str, address: str = HERE) -> bool:
        return super().verify(login, password, address)


def guess(authenticator: LocalAuthenticator, times: int, login: str = "ann", address: str = HERE) -> None:
    for number in range(times):
        assert not authenticator.verify(login, f"guess {number}", address)


def get_wait(authenticator: LocalAuthenticator, login: str = "ann", password: str = "secret") -> int:  # noqa: S107
    with pytest.raises(RetryLater) as rejected:
        authenticator.verify(login, password)
    return rejected.value.seconds


def make_suspect(authenticator: LocalAuthenticator, address: str) -> None:
    for number in range(FREE_FAILURES):
        authenticator.throttle.record_failure(f"user{number}", address)
