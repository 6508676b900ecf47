"""Client addresses behind a proxy: the service trusts them from the proxy of one host name, and from no other peer."""

import socket
import threading
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from werkzeug.middleware.proxy_fix import ProxyFix

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

TTL = 5.0  # seconds that resolved addresses stay valid
MIN_INTERVAL = 0.2  # seconds between two look-ups that unknown peers cause

Resolve = Callable[[str], frozenset[str]]


def resolve_addresses(name: str) -> frozenset[str]:
    """Return the current addresses of a host name, none for an unknown name."""
    try:
        return frozenset(str(info[4][0]) for info in socket.getaddrinfo(name, None, type=socket.SOCK_STREAM))
    except OSError:
        return frozenset()


class TrustedProxy:
    """Takes the client's address from `X-Forwarded-For` if the peer is the proxy.

    Other containers can reach the application too (the database, the mail catcher, any on a network that somebody
    adds), so the header alone proves nothing. Addresses expire, because a new container has a new one.
    """

    def __init__(
        self,
        app: "WSGIApplication",
        name: str,
        resolve: Resolve = resolve_addresses,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._direct = app
        self._behind_proxy = ProxyFix(app, x_for=1)
        self._name = name
        self._resolve = resolve
        self._clock = clock
        self._addresses: frozenset[str] = frozenset()
        self._resolved_at = -TTL
        self._lock = threading.Lock()

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Pass the request on, with the client's address if the peer is the proxy."""
        app = self._behind_proxy if self._is_proxy(environ.get("REMOTE_ADDR", "")) else self._direct
        return app(environ, start_response)

    def _is_proxy(self, address: str) -> bool:
        max_age = TTL if address in self._addresses else MIN_INTERVAL
        # Only the first look-up blocks other requests: a name server that hangs must not.
        if self._compute_age() >= max_age and self._lock.acquire(blocking=not self._addresses):
            try:
                if self._compute_age() >= MIN_INTERVAL:
                    self._addresses = self._resolve(self._name) or self._addresses
                    self._resolved_at = self._clock()
            finally:
                self._lock.release()
        return address in self._addresses

    def _compute_age(self) -> float:
        return self._clock() - self._resolved_at
