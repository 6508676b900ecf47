"""scrypt verifies credentials only once. Then the credentials stay cached as long as requests use them."""

from base64 import b64encode
from pathlib import Path

import pytest
from werkzeug.security import check_password_hash, generate_password_hash

from income_tax.http.auth import basic_auth
from income_tax.http.auth.basic_auth import CACHE_SIZE, CACHE_TTL
from income_tax.storage.users import add_user, read_users
from tests.unit.income_tax.http.authenticators import CHEAP, LocalAuthenticator, get_wait, guess


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list that collects the passwords that scrypt checks."""
    seen: list[str] = []
    real = check_password_hash

    def check(stored: str, password: str) -> bool:
        seen.append(password)
        return real(stored, password)

    monkeypatch.setattr(basic_auth, "check_password_hash", check)
    return seen


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the hash for unknown login names cheap."""
    monkeypatch.setattr(basic_auth, "generate_password_hash", lambda text, **_: generate_password_hash(text, CHEAP))


def test_right_password_is_checked_once(checks: list[str]) -> None:
    """Verified credentials are cached, so that the second request does not run scrypt."""
    authenticator = LocalAuthenticator({"ann": generate_password_hash("secret", CHEAP)})
    assert [True, True] == [authenticator.verify("ann", "secret"), authenticator.verify("ann", "secret")]
    assert ["secret"] == checks


def test_cached_logins_expire(checks: list[str]) -> None:
    """Unused credentials expire after the TTL and are checked again. Credentials in use do not expire."""
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
    """Wrong passwords, empty passwords and unknown login names are rejected, even after a successful login."""
    authenticator = LocalAuthenticator({"ann": generate_password_hash("secret", CHEAP)})
    assert authenticator.verify("ann", "secret")
    assert not authenticator.verify(login, password)


def test_unknown_login_costs_the_same_work(checks: list[str]) -> None:
    """Passwords of unknown login names are checked too, so that response times do not reveal existing login names."""
    LocalAuthenticator({}).verify("nobody", "guess")
    assert ["guess"] == checks


def test_unknown_login_is_checked_like_a_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hash for unknown login names has the same method, cost and lengths as a hash that `users add` writes."""
    stored: list[str] = []
    monkeypatch.undo()  # remove the patch of the fixture, so that hashes have the real cost
    monkeypatch.setattr(basic_auth, "check_password_hash", lambda digest, _password: stored.append(digest))
    add_user(tmp_path / "users", "ann", "pass word")
    authenticator = LocalAuthenticator(read_users(tmp_path / "users"))
    for login in ("ann", "nobody"):
        assert not authenticator.verify(login, "guess")
    user, nobody = (digest.split("$") for digest in stored)
    assert user[0] == nobody[0]
    assert [*map(len, user)] == [*map(len, nobody)]
    assert user[1:] != nobody[1:]


def test_changed_password_is_effective_at_once() -> None:
    """A changed password is effective immediately, because the cache key depends on the stored hash."""
    hashes = {"ann": generate_password_hash("old", CHEAP)}
    authenticator = LocalAuthenticator(hashes)
    assert authenticator.verify("ann", "old")
    hashes["ann"] = generate_password_hash("new", CHEAP)
    assert [False, True] == [authenticator.verify("ann", "old"), authenticator.verify("ann", "new")]


def test_cache_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the cache is full, new credentials evict the oldest credentials."""
    monkeypatch.setattr(basic_auth, "check_password_hash", lambda _stored, _password: True)
    authenticator = LocalAuthenticator({f"user{i}": "scrypt:x" for i in range(CACHE_SIZE + 5)})
    for i in range(CACHE_SIZE + 5):
        authenticator.verify(f"user{i}", "p")
    assert CACHE_SIZE == len(authenticator._cache)


def test_cached_login_does_not_wait() -> None:
    """Cached credentials are accepted without a query of the failures, even if other credentials must wait."""
    authenticator = LocalAuthenticator({"ann": generate_password_hash("secret", CHEAP)})
    assert authenticator.verify("ann", "secret")
    guess(authenticator, 5)
    get_wait(authenticator, password="wrong")
    authenticator.store.broken = True
    assert authenticator.verify("ann", "secret")


@pytest.mark.parametrize("sent", ["pässword", "pa\u0308ssword"], ids=ascii)
def test_composed_and_decomposed_accents_are_equal(tmp_path: Path, sent: str, checks: list[str]) -> None:
    """A password is accepted in NFC and in NFD (RFC 8265), whichever form was stored, and both share a cache entry."""
    path = tmp_path / "users"
    add_user(path, "ann", "pa\u0308ssword")
    authenticator = LocalAuthenticator(read_users(path) | {"bob": generate_password_hash("pässword", CHEAP)})
    assert [True, True] == [authenticator.verify("ann", sent), authenticator.verify("bob", sent)]
    assert "ann" == authenticator.find_cached_login("Basic " + b64encode(b"ann:pa\xcc\x88ssword").decode())
    assert ["pässword"] * 2 == checks
