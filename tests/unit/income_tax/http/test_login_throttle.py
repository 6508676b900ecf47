"""The throttle delays attempts after failures of a login name from the same address. It detects suspect addresses."""

import pytest
from werkzeug.security import check_password_hash, generate_password_hash

from income_tax.http.auth import basic_auth
from income_tax.http.auth.login_throttle import FORGET_AFTER, FREE_FAILURES, MAX_WAIT, SUSPECT_TIME, LoginThrottle
from income_tax.service_log import build_logger
from tests.support.fakes import FakeFailures, Lines
from tests.unit.income_tax.http.authenticators import (
    CHEAP,
    HERE,
    THERE,
    LocalAuthenticator,
    get_wait,
    guess,
    make_suspect,
)


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the hash for unknown login names cheap."""
    monkeypatch.setattr(basic_auth, "generate_password_hash", lambda text, **_: generate_password_hash(text, CHEAP))


@pytest.mark.parametrize("login", ["ann", "nobody"])
def test_each_failure_doubles_the_wait(login: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each failure after the free attempts doubles the wait. During the wait, passwords are not hashed."""
    checks: list[str] = []

    def check(stored: str, password: str) -> bool:
        checks.append(password)
        return check_password_hash(stored, password)

    monkeypatch.setattr(basic_auth, "check_password_hash", check)
    authenticator = LocalAuthenticator({"ann": generate_password_hash("secret", CHEAP)})
    guess(authenticator, FREE_FAILURES, login)
    waits = []
    for _ in range(11):
        waits.append(get_wait(authenticator, login))
        authenticator.clock.now += waits[-1]
        guess(authenticator, 1, login)
    assert [1, 2, 4, 8, 16, 32, 64, 128, 256, MAX_WAIT, MAX_WAIT] == waits
    assert FREE_FAILURES + 11 == len(checks)


def test_right_password_waits_too_and_then_clears_the_failures() -> None:
    """During the wait, even the correct password is rejected. After the wait, a success clears the failures."""
    authenticator = LocalAuthenticator({"ann": generate_password_hash("secret", CHEAP)})
    guess(authenticator, FREE_FAILURES)
    assert 1 == get_wait(authenticator)
    authenticator.clock.now += 1
    assert authenticator.verify("ann", "secret")
    guess(authenticator, FREE_FAILURES)


def test_other_logins_and_addresses_do_not_wait() -> None:
    """Another address with the same login name, or another login name from the same address, does not wait."""
    authenticator = LocalAuthenticator({name: generate_password_hash("secret", CHEAP) for name in ("ann", "bob")})
    guess(authenticator, FREE_FAILURES)
    get_wait(authenticator)
    assert [True, True] == [authenticator.verify("ann", "secret", THERE), authenticator.verify("bob", "secret")]


def test_failures_expire() -> None:
    """After a period without failures, a login name has all its free attempts again."""
    authenticator = LocalAuthenticator({"ann": generate_password_hash("secret", CHEAP)})
    guess(authenticator, FREE_FAILURES)
    authenticator.clock.now += FORGET_AFTER + 1
    guess(authenticator, FREE_FAILURES)


def test_clock_set_back_does_not_extend_the_wait() -> None:
    """If the clock is set back, the wait after a failure does not become longer."""
    authenticator = LocalAuthenticator({"ann": generate_password_hash("secret", CHEAP)})
    guess(authenticator, FREE_FAILURES)
    authenticator.clock.now -= 10_000
    assert 1 == get_wait(authenticator)


def test_broken_store_allows_every_login() -> None:
    """If the store fails, the throttle allows every attempt and logs at most one warning per minute."""
    lines = Lines()
    throttle = LoginThrottle(FakeFailures(broken=True), build_logger("api", lines.write, "json", "info"))
    for _ in range(3):
        throttle.record_failure("ann", HERE)
        assert 0 == throttle.get_wait("ann", HERE)
        throttle.record_success("ann", HERE)
    (line,) = lines.written
    assert b"failed logins are not counted" in line


def test_few_failures_do_not_make_an_address_suspect() -> None:
    """Few failures do not make an address suspect. After SUSPECT_TIME an address is no longer suspect."""
    authenticator = LocalAuthenticator({})
    assert not authenticator.throttle.is_suspect(HERE)
    make_suspect(authenticator, HERE)
    assert [True, False] == [authenticator.throttle.is_suspect(HERE), authenticator.throttle.is_suspect(THERE)]
    authenticator.clock.now += SUSPECT_TIME
    assert not authenticator.throttle.is_suspect(HERE)
    authenticator.throttle.record_failure("ann", THERE)
    assert not authenticator.throttle.is_suspect(THERE)


def test_uncounted_failures_are_a_trouble_until_the_store_works() -> None:
    """While the store fails, the throttle reports the reason. It tries the store again at each check."""
    authenticator = LocalAuthenticator({})
    assert authenticator.throttle.find_trouble() is None
    authenticator.store.broken = True
    authenticator.throttle.record_failure("ann", "192.0.2.1")
    assert "failed logins are not counted: disk I/O error" == authenticator.throttle.find_trouble()
    authenticator.store.broken = False
    assert authenticator.throttle.find_trouble() is None
