"""The leader lock. The thread that holds the lock is the leader. The leader waits for requests and answers them.

The leader keeps the lock while it answers a short request, so no other thread wakes up or competes for the GIL. Before
a blocking call, the leader releases the lock, and another thread becomes the leader. Schmidt, Stal, Rohnert and
Buschmann describe the pattern "Leader/Followers" in "Pattern-Oriented Software Architecture", volume 2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from threading import Lock, Thread, local
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class LeaderLock:
    """A lock that at most one thread of a process holds. `acquire` and `release` are idempotent."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._of_thread = local()

    @property
    def is_held(self) -> bool:
        """True if the calling thread is the leader."""
        return getattr(self._of_thread, "is_held", False)

    def acquire(self) -> None:
        """Wait until this thread is the leader. Return immediately if this thread already is the leader."""
        if not self.is_held:
            self._lock.acquire()
            self._of_thread.is_held = True

    def release(self) -> None:
        """Release leadership if this thread is the leader."""
        if self.is_held:
            self._of_thread.is_held = False
            self._lock.release()

    def release_before(self, app: WSGIApplication) -> WSGIApplication:
        """Wrap the application in a middleware that releases the lock before each call of the application."""

        def call(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            self.release()
            return app(environ, start_response)

        return call


class FollowerThreads:
    """The threads of a worker. This class has the interface of gunicorn's thread pool, which it replaces."""

    def __init__(self, size: int, work: Callable[[], None]) -> None:
        self._threads = [Thread(target=work, name=f"Thread-{number}", daemon=True) for number in range(1, size + 1)]

    def start(self) -> None:
        """Start all threads."""
        for thread in self._threads:
            thread.start()

    def shutdown(self, wait: bool = False) -> None:
        """Do nothing, because the threads end with the process after the graceful timeout."""
