"""HTTP Basic authentication (RFC 7617) that pays for scrypt once a login, not once a request."""

import hashlib
import hmac
import secrets
import time
from base64 import b64decode
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Protocol, cast

from flask import Response, request
from flask_httpauth import HTTPBasicAuth
from werkzeug.exceptions import TooManyRequests
from werkzeug.security import check_password_hash, generate_password_hash

from income_tax.http.middleware.request_log import request_id
from income_tax.http.responses import answer, errors_body

from .login_throttle import Throttle
from .password_check_queue import Busy, Turns

REMEMBERED = 1000  # logins a process remembers
LIFETIME = 600.0  # seconds without use after which a verified login is forgotten


class UserHashes(Protocol):
    """Where the stored hash of a login comes from."""

    def find_hash(self, login: str) -> str | None:
        """The hash, None when there is no such user."""


class Wait(Exception):
    """The login may not be tried now, whatever the password; `seconds` says when."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"try again in {seconds} s")
        self.seconds = seconds


class Logins:
    """Verifies logins, and remembers the right ones for as long as they are used.

    What is remembered is a digest under a key that only this process knows, over login, password and stored hash:
    nobody can read a password from it, and a changed or removed user is unknown to it at once. A remembered login
    waits for nothing, whatever others do meanwhile.
    """

    def __init__(
        self, users: UserHashes, throttle: Throttle, turns: Turns, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._users = users
        self._throttle = throttle
        self._turns = turns
        self._clock = clock
        self._key = secrets.token_bytes(32)
        self._known: OrderedDict[bytes, float] = OrderedDict()  # the one used longest ago first
        self._order = Lock()
        # Unknown logins cost the same work, so that the time taken does not tell which logins exist.
        self._nobody = generate_password_hash(secrets.token_hex(16), method="scrypt")

    def knows(self, authorization: str) -> bool:
        """Whether the header of a request (RFC 7617) has a login that is remembered: such a one waits for nothing."""
        kind, _, encoded = authorization.partition(" ")
        if kind.lower() != "basic" or not self._known:
            return False
        try:
            login, colon, password = b64decode(encoded, validate=True).decode().partition(":")
        except ValueError:
            return False
        stored = self._users.find_hash(login) if colon and login else None
        return stored is not None and self._remembered(self._digest(login, password, stored))

    def verify(self, login: str, password: str, address: str) -> bool:
        """Whether the password is the login's; Wait when that may not be tried now."""
        stored = self._users.find_hash(login)
        digest = self._digest(login, password, stored or self._nobody)
        if self._remembered(digest):
            return True

        def check() -> bool:
            self._may_try(login, address)  # others may have failed while this one waited for its turn
            if self._remembered(digest):
                return True
            if check_password_hash(stored or self._nobody, password) and stored is not None:
                self._remember(digest)
                self._throttle.succeeded(login, address)
                return True
            self._throttle.failed(login, address)
            return False

        self._may_try(login, address)
        try:
            return self._turns.take(digest, address, self._throttle.suspect(address), check)
        except Busy:
            raise Wait(1) from None

    def _may_try(self, login: str, address: str) -> None:
        seconds = self._throttle.wait(login, address)
        if seconds:
            raise Wait(seconds)

    def _remembered(self, digest: bytes) -> bool:
        now, expiry = self._clock(), self._known.get(digest)
        if expiry is None or now >= expiry:
            return False
        if expiry - now < LIFETIME / 2:
            self._remember(digest)
        return True

    def _digest(self, login: str, password: str, stored: str) -> bytes:
        message = "\0".join((login, password, stored)).encode("utf-8", "surrogatepass")
        return hmac.digest(self._key, message, hashlib.sha256)

    def _remember(self, digest: bytes) -> None:
        with self._order:
            self._known[digest] = self._clock() + LIFETIME
            self._known.move_to_end(digest)
            while len(self._known) > REMEMBERED:
                self._known.popitem(last=False)


THROTTLED = "too many logins failed, or too many are tried at once: wait as long as the header Retry-After says"

LoginRequired = Callable[[Callable[..., Response]], Callable[..., Response]]


def basic_auth(logins: Logins) -> LoginRequired:
    """Flask-HTTPAuth's decorator for a view, verifying by `logins`, refusing in JSON."""

    def verify(login: str, password: str) -> str | None:
        try:
            return login if login and logins.verify(login, password, request.remote_addr or "") else None
        except Wait as throttled:
            raise TooManyRequests(THROTTLED, retry_after=throttled.seconds) from None

    def refuse(status: int) -> Response:
        sentence = "login and password are missing or wrong: send those of a user of this service by HTTP Basic"
        return answer(errors_body([sentence], request_id()), status)

    auth = HTTPBasicAuth(realm="income tax")
    auth.verify_password(verify)
    auth.error_handler(refuse)
    return cast(LoginRequired, auth.login_required)
