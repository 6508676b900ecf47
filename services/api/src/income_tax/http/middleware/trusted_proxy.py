"""Middleware that trusts client addresses in `X-Forwarded-For` only if the peer is the configured proxy."""

import socket
import threading
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from werkzeug.middleware.proxy_fix import ProxyFix

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

TTL = 5.0  # seconds for which resolved addresses are valid
MIN_INTERVAL = 0.2  # minimum seconds between two DNS lookups for unknown peers

Resolve = Callable[[str], frozenset[str]]


def resolve_addresses(name: str) -> frozenset[str]:
    """Return the current addresses of a host name, or an empty set if the lookup fails."""
    try:
        return frozenset(str(info[4][0]) for info in socket.getaddrinfo(name, None, type=socket.SOCK_STREAM))
    except OSError:
        return frozenset()


class TrustedProxy:
    """Reads the client's address from `X-Forwarded-For` if the peer is the proxy.

    Other containers, such as the database, can also reach the application and could forge the header. The
    proxy's resolved addresses expire, because a recreated proxy container can have a new address.
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
        """Call the application. If the peer is the proxy, set the client's address first."""
        app = self._behind_proxy if self._is_proxy(environ.get("REMOTE_ADDR", "")) else self._direct
        return app(environ, start_response)

    def _is_proxy(self, address: str) -> bool:
        max_age = TTL if address in self._addresses else MIN_INTERVAL
        # Until a lookup has succeeded, all requests wait for the lookup. Later, a slow lookup delays only one request.
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
