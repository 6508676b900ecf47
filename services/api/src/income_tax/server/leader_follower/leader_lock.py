"""Leader and followers: of a worker's threads one leads, that is, it waits for requests and answers them.

What takes microseconds the leader answers itself, and goes on leading: no other thread is woken, and none fights it for
the interpreter. Before anything that may take longer it passes the lead on, and a thread that followed leads. (Schmidt,
Stal, Rohnert, Buschmann: Pattern-Oriented Software Architecture, volume 2, "Leader/Followers".)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from threading import Lock, Thread, local
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class Lead:
    """The lead of a process: one thread's at a time."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._of_thread = local()

    @property
    def held(self) -> bool:
        """Whether this thread leads."""
        return getattr(self._of_thread, "held", False)

    def take(self) -> None:
        """Lead, once no other thread does; at once where this one leads already."""
        if not self.held:
            self._lock.acquire()
            self._of_thread.held = True

    def pass_on(self) -> None:
        """Let another thread lead, where this one does."""
        if self.held:
            self._of_thread.held = False
            self._lock.release()


class Threads:
    """The threads of a worker; gunicorn takes them for its pool."""

    def __init__(self, size: int, work: Callable[[], None]) -> None:
        self._threads = [Thread(target=work, name=f"Thread-{number}", daemon=True) for number in range(1, size + 1)]

    def start(self) -> None:
        """Start all of them."""
        for thread in self._threads:
            thread.start()

    def shutdown(self, wait: bool = False) -> None:
        """They end with the process: what they still do has had its time."""


class Unhurried:
    """An application that may take its time: whoever calls it passes the lead on."""

    def __init__(self, app: WSGIApplication, lead: Lead) -> None:
        self._app, self._lead = app, lead

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """The application's answer."""
        self._lead.pass_on()
        return self._app(environ, start_response)
