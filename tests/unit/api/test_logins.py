"""Logins are verified by scrypt once, then remembered for as long as they are used; failures make them wait."""

import threading
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest
from werkzeug.security import check_password_hash, generate_password_hash

from income_tax.http.auth import basic_auth
from income_tax.http.auth.basic_auth import LIFETIME, REMEMBERED, Logins, Wait
from income_tax.http.auth.login_throttle import FORGOTTEN, FREE, LONGEST, SUSPECT, Throttle
from income_tax.http.auth.password_check_queue import Turns
from income_tax.service_log import build_logger
from income_tax.storage.users import add_user, read_users
from tests.support.fakes import FakeClock, FakeFailures, FakeUsers, Lines
from tests.support.waiting import wait_until

CHEAP = "scrypt:1024:8:1"  # the cost is not what is tested
HERE, THERE = "192.0.2.1", "192.0.2.2"


class Door(Logins):
    """Logins over fakes, tried from one address unless a test says another."""

    def __init__(self, hashes: Mapping[str, str], clock: FakeClock | None = None, threads: int = 8) -> None:
        self.clock = clock or FakeClock()
        self.record = FakeFailures()
        log = build_logger("api", Lines().write, "json", "info")
        self.throttle = Throttle(self.record, log, self.clock)
        super().__init__(FakeUsers(hashes), self.throttle, Turns(threads), self.clock)

    def verify(self, login: str, password: str, address: str = HERE) -> bool:
        return super().verify(login, password, address)


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The passwords that were really checked."""
    seen: list[str] = []
    real = check_password_hash

    def counting(stored: str, password: str) -> bool:
        seen.append(password)
        return real(stored, password)

    monkeypatch.setattr(basic_auth, "check_password_hash", counting)
    return seen


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """What unknown logins are checked against costs little."""
    monkeypatch.setattr(basic_auth, "generate_password_hash", lambda text, **_: generate_password_hash(text, CHEAP))


def test_right_password_is_checked_once(checks: list[str]) -> None:
    """A verified login is remembered: the second request pays no scrypt."""
    logins = Door({"ann": generate_password_hash("secret", CHEAP)})
    assert [True, True] == [logins.verify("ann", "secret"), logins.verify("ann", "secret")]
    assert ["secret"] == checks


def test_memory_is_short(checks: list[str]) -> None:
    """A login that nobody uses is checked again when its time is over; one in use is not."""
    logins = Door({"ann": generate_password_hash("secret", CHEAP)})
    for _ in range(9):
        assert logins.verify("ann", "secret")
        logins.clock.now += LIFETIME - 1
    assert 1 == len(checks)
    logins.clock.now += 1
    assert logins.verify("ann", "secret")
    assert 2 == len(checks)


@pytest.mark.parametrize(("login", "password"), [("ann", "wrong"), ("ann", ""), ("bob", "secret"), ("ann\0secret", "")])
def test_wrong_ones_are_refused(login: str, password: str) -> None:
    """A wrong password, an empty one, an unknown login: refused, also after a right one."""
    logins = Door({"ann": generate_password_hash("secret", CHEAP)})
    assert logins.verify("ann", "secret")
    assert not logins.verify(login, password)


def test_unknown_login_costs_the_same_work(checks: list[str]) -> None:
    """An unknown login is checked too, so that the time taken does not tell which logins exist."""
    Door({}).verify("nobody", "guess")
    assert ["guess"] == checks


def test_unknown_login_is_checked_like_a_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What an unknown login is checked against has the method, the cost and the lengths of a hash of `users add`."""
    stored: list[str] = []
    monkeypatch.undo()  # of the fixture: the real cost
    monkeypatch.setattr(basic_auth, "check_password_hash", lambda digest, _password: stored.append(digest))
    add_user(tmp_path / "users", "ann", "secret")
    logins = Door(read_users(tmp_path / "users"))
    for login in ("ann", "nobody"):
        assert not logins.verify(login, "guess")
    user, nobody = (digest.split("$") for digest in stored)
    assert user[0] == nobody[0]
    assert [*map(len, user)] == [*map(len, nobody)]
    assert user[1:] != nobody[1:]


def test_changed_password_counts_at_once() -> None:
    """What is remembered hangs on the stored hash: after a change the old password is refused."""
    hashes = {"ann": generate_password_hash("old", CHEAP)}
    logins = Door(hashes)
    assert logins.verify("ann", "old")
    hashes["ann"] = generate_password_hash("new", CHEAP)
    assert [False, True] == [logins.verify("ann", "old"), logins.verify("ann", "new")]


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """More logins than the bound push the oldest out."""
    monkeypatch.setattr(basic_auth, "check_password_hash", lambda _stored, _password: True)
    logins = Door({f"user{i}": "scrypt:x" for i in range(REMEMBERED + 5)})
    for i in range(REMEMBERED + 5):
        logins.verify(f"user{i}", "p")
    assert REMEMBERED == len(logins._known)


def guess(logins: Door, times: int, login: str = "ann", address: str = HERE) -> None:
    for number in range(times):
        assert not logins.verify(login, f"guess {number}", address)


def seconds_to_wait(logins: Door, login: str = "ann", password: str = "secret") -> int:  # noqa: S107
    with pytest.raises(Wait) as refused:
        logins.verify(login, password)
    return refused.value.seconds


@pytest.mark.parametrize("login", ["ann", "nobody"])
def test_guesses_wait_longer_and_longer(login: str, checks: list[str]) -> None:
    """After the free tries each failure doubles the wait, unhashed, the same for a login that does not exist."""
    logins = Door({"ann": generate_password_hash("secret", CHEAP)})
    guess(logins, FREE, login)
    waits = []
    for _ in range(11):
        waits.append(seconds_to_wait(logins, login))
        logins.clock.now += waits[-1]
        guess(logins, 1, login)
    assert [1, 2, 4, 8, 16, 32, 64, 128, 256, LONGEST, LONGEST] == waits
    assert FREE + 11 == len(checks)


def test_right_password_waits_too_and_then_counts_as_success() -> None:
    """While it waits, a login is refused even with its password; afterwards a success forgets the failures."""
    logins = Door({"ann": generate_password_hash("secret", CHEAP)})
    guess(logins, FREE)
    assert 1 == seconds_to_wait(logins)
    logins.clock.now += 1
    assert logins.verify("ann", "secret")
    guess(logins, FREE)


def test_nobody_else_is_locked_out() -> None:
    """The login at another address, and another login at this one, are tried at once."""
    logins = Door({name: generate_password_hash("secret", CHEAP) for name in ("ann", "bob")})
    guess(logins, FREE)
    seconds_to_wait(logins)
    assert [True, True] == [logins.verify("ann", "secret", THERE), logins.verify("bob", "secret")]


def test_remembered_login_waits_for_nothing() -> None:
    """Who is remembered gets in while guesses at the same login and address wait, and asks the record nothing."""
    logins = Door({"ann": generate_password_hash("secret", CHEAP)})
    assert logins.verify("ann", "secret")
    guess(logins, FREE)
    seconds_to_wait(logins, password="wrong")
    logins.record.broken = True
    assert logins.verify("ann", "secret")


def test_failures_are_forgotten() -> None:
    """After a while without a failure the free tries are back."""
    logins = Door({"ann": generate_password_hash("secret", CHEAP)})
    guess(logins, FREE)
    logins.clock.now += FORGOTTEN + 1
    guess(logins, FREE)


def test_clock_set_back_locks_nobody_out() -> None:
    """Failures that seem to lie in the future cost no more than their own wait."""
    logins = Door({"ann": generate_password_hash("secret", CHEAP)})
    guess(logins, FREE)
    logins.clock.now -= 10_000
    assert 1 == seconds_to_wait(logins)


def test_broken_record_lets_everybody_try() -> None:
    """When failures cannot be counted, logins work; the log says so, once a minute at most."""
    lines = Lines()
    throttle = Throttle(FakeFailures(broken=True), build_logger("api", lines.write, "json", "info"))
    for _ in range(3):
        throttle.failed("ann", HERE)
        assert 0 == throttle.wait("ann", HERE)
        throttle.succeeded("ann", HERE)
    (line,) = lines.written
    assert b"failed logins are not counted" in line


class Crowd:
    """Threads that ask a door at once while its only check is held up."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, logins: Door) -> None:
        self.logins = logins
        self.go = threading.Event()
        self.checked: list[str] = []
        self.outcomes: list[str] = []
        self.threads: list[threading.Thread] = []
        monkeypatch.setattr(basic_auth, "check_password_hash", self._check)

    def _check(self, _stored: str, password: str) -> bool:
        self.checked.append(password)
        assert self.go.wait(60)
        return password == "secret"

    def ask(self, password: str, address: str = HERE) -> None:
        def work() -> None:
            try:
                self.outcomes.append("in" if self.logins.verify("ann", password, address) else "wrong")
            except Wait as wait:
                assert 1 == wait.seconds
                self.outcomes.append("busy")

        self.threads.append(threading.Thread(target=work))
        self.threads[-1].start()

    def settle(self) -> None:
        """Wait until every thread has been refused or waits for a check."""
        checks = self.logins._turns._checks

        def settled() -> bool:
            return len(self.outcomes) + sum(1 + check.followers for check in [*checks.values()]) >= len(self.threads)

        wait_until(settled)

    def end(self) -> dict[str, int]:
        self.go.set()
        for thread in self.threads:
            thread.join()
        return Counter(self.outcomes)


def make_suspect(logins: Door, address: str) -> None:
    for number in range(FREE):
        logins.throttle.failed(f"user{number}", address)


def test_many_threads_of_one_client_share_a_check(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that starts with 50 threads is checked once, and none of them is refused."""
    crowd = Crowd(monkeypatch, Door({"ann": "scrypt:x"}))
    for _ in range(50):
        crowd.ask("secret")
    crowd.settle()
    assert ({"in": 50}, ["secret"]) == (crowd.end(), crowd.checked)


def test_few_wait_for_a_check(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 50 guesses from everywhere at once three quarters of the threads wait, the others come again in a second."""
    crowd = Crowd(monkeypatch, Door({"ann": "scrypt:x"}))
    for number in range(50):
        crowd.ask(f"guess {number}", f"192.0.2.{number}")
    crowd.settle()
    assert {"wrong": 6, "busy": 44} == crowd.end()


def test_one_address_gets_a_quarter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Different guesses from one address hold a quarter of the threads, and other addresses find their places."""
    crowd = Crowd(monkeypatch, Door({"ann": "scrypt:x"}))
    for number in range(20):
        crowd.ask(f"guess {number}")
    crowd.ask("secret", THERE)
    crowd.settle()
    assert {"wrong": 2, "in": 1, "busy": 18} == crowd.end()


def test_who_mistyped_is_no_suspect() -> None:
    """A few failures at an address, or many a while ago, make it no suspect."""
    logins = Door({})
    assert not logins.throttle.suspect(HERE)
    make_suspect(logins, HERE)
    assert [True, False] == [logins.throttle.suspect(HERE), logins.throttle.suspect(THERE)]
    logins.clock.now += SUSPECT
    assert not logins.throttle.suspect(HERE)
    logins.throttle.failed("ann", THERE)
    assert not logins.throttle.suspect(THERE)


def test_suspects_come_last(monkeypatch: pytest.MonkeyPatch) -> None:
    """Addresses where a login has just failed hold half of the threads, and whoever else comes is checked first."""
    logins = Door({"ann": generate_password_hash("secret", CHEAP)})
    for number in range(20):
        make_suspect(logins, f"192.0.2.{number}")
    crowd = Crowd(monkeypatch, logins)
    for number in range(20):
        crowd.ask(f"guess {number}", f"192.0.2.{number}")
    crowd.settle()
    crowd.ask("secret", "198.51.100.1")
    crowd.settle()
    assert {"wrong": 4, "in": 1, "busy": 16} == crowd.end()
    assert "secret" == crowd.checked[1], "the first was under way already"


def test_suspects_that_ask_the_same_do_not_fill_the_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same guess sent by many threads of a suspect address holds one thread and a quarter."""
    logins = Door({"ann": generate_password_hash("secret", CHEAP)})
    make_suspect(logins, HERE)
    crowd = Crowd(monkeypatch, logins)
    for _ in range(20):
        crowd.ask("guess again")
    crowd.settle()
    assert {"wrong": 3, "busy": 17} == crowd.end()
