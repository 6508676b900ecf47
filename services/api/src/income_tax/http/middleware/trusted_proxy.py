"""Who may say where a request comes from: the proxy in front, known by its name, and nobody else."""

import socket
import threading
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from werkzeug.middleware.proxy_fix import ProxyFix

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

KNOWN_FOR = 5.0  # seconds that the addresses behind the name are believed
ASKED_AGAIN = 0.2  # seconds before a stranger makes us ask for the name again

Resolve = Callable[[str], frozenset[str]]


def addresses_of(name: str) -> frozenset[str]:
    """The addresses that a host name has now; none when it has none."""
    try:
        return frozenset(str(found[4][0]) for found in socket.getaddrinfo(name, None, type=socket.SOCK_STREAM))
    except OSError:
        return frozenset()


class TrustedProxy:
    """Takes a client's address from `X-Forwarded-For` when the proxy of that name sent it, and only then.

    Other containers reach the application too (the database, the mail catcher, those of a network that somebody adds),
    so that a header alone proves nothing. The name is asked for again and again: a new container has a new address.
    """

    def __init__(
        self,
        app: "WSGIApplication",
        name: str,
        resolve: Resolve = addresses_of,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._direct = app
        self._behind = ProxyFix(app, x_for=1)
        self._name = name
        self._resolve = resolve
        self._clock = clock
        self._addresses: frozenset[str] = frozenset()
        self._asked = -KNOWN_FOR
        self._lock = threading.Lock()

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Hand the request on, with the client's address where the proxy names it."""
        app = self._behind if self._is_proxy(environ.get("REMOTE_ADDR", "")) else self._direct
        return app(environ, start_response)

    def _is_proxy(self, address: str) -> bool:
        known = address in self._addresses
        # Only the first question holds others up: a name server that hangs must not.
        if self._age() >= (KNOWN_FOR if known else ASKED_AGAIN) and self._lock.acquire(blocking=not self._addresses):
            try:
                if self._age() >= ASKED_AGAIN:
                    self._addresses = self._resolve(self._name) or self._addresses
                    self._asked = self._clock()
            finally:
                self._lock.release()
        return address in self._addresses

    def _age(self) -> float:
        return self._clock() - self._asked
