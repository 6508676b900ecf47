"""Middleware that lets another thread wait for requests while this one calls an application that may take longer."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class ReleaseLeadershipMiddleware:
    """Releases the leader lock of the worker before it calls the application."""

    def __init__(self, app: WSGIApplication, release: Callable[[], object]) -> None:
        self._app, self._release = app, release

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Call the application."""
        self._release()
        return self._app(environ, start_response)
