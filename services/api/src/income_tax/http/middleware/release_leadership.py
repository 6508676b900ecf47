"""Middleware that releases the leader lock before the application runs. Another thread then waits for requests."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class ReleaseLeadershipMiddleware:
    """Releases the worker's leader lock before each call of the application."""

    def __init__(self, app: WSGIApplication, release: Callable[[], object]) -> None:
        self._app, self._release = app, release

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Release the leader lock, and call the application."""
        self._release()
        return self._app(environ, start_response)
