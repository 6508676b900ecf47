"""scrypt verifies a login once; then the login is cached for as long as it is used."""

from pathlib import Path

import pytest
from werkzeug.security import check_password_hash, generate_password_hash

from income_tax.http.auth import basic_auth
from income_tax.http.auth.basic_auth import CACHE_SIZE, CACHE_TTL
from income_tax.storage.users import add_user, read_users
from tests.unit.income_tax.http.authenticators import CHEAP, LocalAuthenticator, get_wait, guess


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The passwords that scrypt checked."""
    seen: list[str] = []
    real = check_password_hash

    def check(stored: str, password: str) -> bool:
        seen.append(password)
        return real(stored, password)

    monkeypatch.setattr(basic_auth, "check_password_hash", check)
    return seen


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """The hash for unknown logins is cheap."""
    monkeypatch.setattr(basic_auth, "generate_password_hash", lambda text, **_: generate_password_hash(text, CHEAP))


def test_right_password_is_checked_once(checks: list[str]) -> None:
    """A verified login is cached: the second request costs no scrypt."""
    authenticator = LocalAuthenticator({"ann": generate_password_hash("secret", CHEAP)})
    assert [True, True] == [authenticator.verify("ann", "secret"), authenticator.verify("ann", "secret")]
    assert ["secret"] == checks


def test_cached_logins_expire(checks: list[str]) -> None:
    """An unused login is checked again after the TTL; one in use is not."""
    authenticator = LocalAuthenticator({"ann": generate_password_hash("secret", CHEAP)})
    for _ in range(9):
        assert authenticator.verify("ann", "secret")
        authenticator.clock.now += CACHE_TTL - 1
    assert 1 == len(checks)
    authenticator.clock.now += 1
    assert authenticator.verify("ann", "secret")
    assert 2 == len(checks)


@pytest.mark.parametrize(("login", "password"), [("ann", "wrong"), ("ann", ""), ("bob", "secret"), ("ann\0secret", "")])
def test_wrong_logins_are_rejected(login: str, password: str) -> None:
    """A wrong password, an empty one and an unknown login are rejected, also after a right one."""
    authenticator = LocalAuthenticator({"ann": generate_password_hash("secret", CHEAP)})
    assert authenticator.verify("ann", "secret")
    assert not authenticator.verify(login, password)


def test_unknown_login_costs_the_same_work(checks: list[str]) -> None:
    """An unknown login is checked too, so that the time of the answer does not reveal which logins exist."""
    LocalAuthenticator({}).verify("nobody", "guess")
    assert ["guess"] == checks


def test_unknown_login_is_checked_like_a_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hash for unknown logins has the method, the cost and the lengths of a hash of `users add`."""
    stored: list[str] = []
    monkeypatch.undo()  # of the fixture: the real cost
    monkeypatch.setattr(basic_auth, "check_password_hash", lambda digest, _password: stored.append(digest))
    add_user(tmp_path / "users", "ann", "secret")
    authenticator = LocalAuthenticator(read_users(tmp_path / "users"))
    for login in ("ann", "nobody"):
        assert not authenticator.verify(login, "guess")
    user, nobody = (digest.split("$") for digest in stored)
    assert user[0] == nobody[0]
    assert [*map(len, user)] == [*map(len, nobody)]
    assert user[1:] != nobody[1:]


def test_changed_password_counts_at_once() -> None:
    """The cache depends on the stored hash: after a change the old password is rejected."""
    hashes = {"ann": generate_password_hash("old", CHEAP)}
    authenticator = LocalAuthenticator(hashes)
    assert authenticator.verify("ann", "old")
    hashes["ann"] = generate_password_hash("new", CHEAP)
    assert [False, True] == [authenticator.verify("ann", "old"), authenticator.verify("ann", "new")]


def test_cache_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Logins beyond the cache size push the oldest out."""
    monkeypatch.setattr(basic_auth, "check_password_hash", lambda _stored, _password: True)
    authenticator = LocalAuthenticator({f"user{i}": "scrypt:x" for i in range(CACHE_SIZE + 5)})
    for i in range(CACHE_SIZE + 5):
        authenticator.verify(f"user{i}", "p")
    assert CACHE_SIZE == len(authenticator._cache)


def test_cached_login_waits_for_nothing() -> None:
    """A cached login succeeds while guesses at the same login and address wait, without a look at the failures."""
    authenticator = LocalAuthenticator({"ann": generate_password_hash("secret", CHEAP)})
    assert authenticator.verify("ann", "secret")
    guess(authenticator, 5)
    get_wait(authenticator, password="wrong")
    authenticator.store.broken = True
    assert authenticator.verify("ann", "secret")
