"""HTTP Basic authentication (RFC 7617). A cache of valid credentials avoids repeated scrypt computations."""

import hashlib
import hmac
import secrets
import time
from base64 import b64decode
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Protocol, cast

from flask import Response, g, request
from flask_httpauth import HTTPBasicAuth
from werkzeug.exceptions import TooManyRequests
from werkzeug.security import check_password_hash, generate_password_hash

from income_tax.http.responses import build_error_response
from tax_common.secret_text import has_control_characters, normalize_secret

from .login_throttle import LoginThrottle
from .password_check_queue import PasswordCheckQueue, QueueFull

CACHE_SIZE = 1000  # maximum number of cached credentials per process
CACHE_TTL = 600.0  # seconds from the last renewal of a cache entry until the entry expires
CHALLENGE = 'Basic realm="income tax", charset="UTF-8"'
THROTTLED = "too many login attempts failed or are in progress: wait the number of seconds in the header Retry-After"
UNAUTHORIZED = "the login name or password is missing or wrong: send a user's login name and password by HTTP Basic"
CONTROL_CHARACTERS = "the login name or password has a control character, such as the line end of a file: remove it"


class UserHashes(Protocol):
    """A source of stored password hashes."""

    def find_hash(self, login: str) -> str | None:
        """Return the password hash of the user with this login name, or None if the user is unknown."""


class RetryLater(Exception):
    """The client must wait `seconds` before the next login attempt, even if the password is correct."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"try again in {seconds} s")
        self.seconds = seconds


class Authenticator:
    """Verifies credentials, which are a login name and a password. Caches valid credentials.

    A cache entry is an HMAC of login name, password and stored hash, computed with a random key of this process. The
    cache therefore reveals no password, and a change or removal of a user takes effect immediately. A use of an entry
    renews the entry if less than half of CACHE_TTL remains. Cached credentials bypass the throttle and the queue.
    """

    def __init__(
        self,
        users: UserHashes,
        throttle: LoginThrottle,
        queue: PasswordCheckQueue,
        count_login: Callable[[str], object],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._users = users
        self._throttle = throttle
        self._queue = queue
        self.count_login = count_login  # receives one of the outcomes in metrics/cell_layout.py
        self._clock = clock
        self._key = secrets.token_bytes(32)
        # Maps each digest to its expiry time. The most recently renewed entry is at the end.
        self._cache: OrderedDict[bytes, float] = OrderedDict()
        self._cache_lock = Lock()
        # If a login name is unknown, the password is checked against this hash. The response time therefore does not
        # reveal which login names exist.
        self._dummy_hash = generate_password_hash(secrets.token_hex(16), method="scrypt")

    def find_cached_login(self, authorization: str) -> str | None:
        """Return the login name in an Authorization header (RFC 7617), or None if its credentials are not cached."""
        scheme, _, encoded = authorization.partition(" ")
        if scheme.lower() != "basic" or not self._cache:
            return None
        try:
            decoded = b64decode(encoded, validate=True).decode()
        except ValueError:
            return None
        login, colon, password = normalize_secret(decoded).partition(":")
        stored = self._users.find_hash(login) if colon and login else None
        is_cached = stored is not None and self._has_digest(self._compute_digest(login, password, stored))
        return login if is_cached else None

    def verify(self, login: str, password: str, address: str) -> bool:
        """Return whether the login name and password are valid. Raises RetryLater if the client must wait.

        The passwords of users are stored in NFC (RFC 8265). Clients can send other forms.
        """
        login, password = normalize_secret(login), normalize_secret(password)
        stored = self._users.find_hash(login)
        digest = self._compute_digest(login, password, stored or self._dummy_hash)
        if self._has_digest(digest):
            return True

        def check() -> bool:
            # Check the throttle again, because other attempts can have failed while this attempt was queued.
            self._check_throttle(login, address)
            if self._has_digest(digest):
                return True
            if check_password_hash(stored or self._dummy_hash, password) and stored is not None:
                self._add_digest(digest)
                self._throttle.record_success(login, address)
                self.count_login("accepted")
                return True
            self._throttle.record_failure(login, address)
            self.count_login("wrong")
            return False

        self._check_throttle(login, address)
        try:
            return self._queue.run(digest, address, self._throttle.is_suspect(address), check)
        except QueueFull:
            raise RetryLater(1) from None

    def _check_throttle(self, login: str, address: str) -> None:
        seconds = self._throttle.get_wait(login, address)
        if seconds:
            self.count_login("throttled")
            raise RetryLater(seconds)

    def _has_digest(self, digest: bytes) -> bool:
        now, expiry = self._clock(), self._cache.get(digest)
        if expiry is None or now >= expiry:
            return False
        if expiry - now < CACHE_TTL / 2:
            self._add_digest(digest)
        return True

    def _compute_digest(self, login: str, password: str, stored: str) -> bytes:
        message = "\0".join((login, password, stored)).encode("utf-8", "surrogatepass")
        return hmac.digest(self._key, message, hashlib.sha256)

    def _add_digest(self, digest: bytes) -> None:
        with self._cache_lock:
            self._cache[digest] = self._clock() + CACHE_TTL
            self._cache.move_to_end(digest)
            while len(self._cache) > CACHE_SIZE:
                self._cache.popitem(last=False)


LoginRequired = Callable[[Callable[..., Response]], Callable[..., Response]]


def build_login_required(authenticator: Authenticator) -> LoginRequired:
    """Build the Flask-HTTPAuth decorator for views that require valid credentials. Its error responses contain JSON."""

    def verify(login: str, password: str) -> str | None:
        if has_control_characters(login + password):  # RFC 7617 forbids them, so no user can have such credentials
            authenticator.count_login("wrong")
            return None
        if not login:
            authenticator.count_login("missing")
            return None
        try:
            if not authenticator.verify(login, password, request.remote_addr or ""):
                return None
        except RetryLater as throttled:
            raise TooManyRequests(THROTTLED, retry_after=throttled.seconds) from None
        g.login = normalize_secret(login)  # for the request log
        return login

    def reject(status: int) -> Response:
        sent = request.authorization
        has_controls = sent is not None and has_control_characters(f"{sent.username}{sent.password}")
        response = build_error_response(status, [CONTROL_CHARACTERS if has_controls else UNAUTHORIZED])
        response.headers["WWW-Authenticate"] = CHALLENGE
        return response

    auth = HTTPBasicAuth()
    auth.verify_password(verify)
    auth.error_handler(reject)
    return cast(LoginRequired, auth.login_required)
