"""Middleware that lets nginx wait for password checks.

After a short time without a response, nginx sends a small request to another replica. A password check can take longer,
and each failed check counts. Therefore nginx must not repeat such a check. If the header X-Defer-Login is set and the
credentials are not cached, the middleware redirects nginx to a location that waits longer.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from income_tax.http.auth.basic_auth import Authenticator

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

SLOW_LOCATION = "@slow_login"  # in nginx/templates/proxy.conf.template


class DeferLoginMiddleware:
    """Redirects nginx to SLOW_LOCATION if nginx asks for that and the request needs a password check."""

    def __init__(self, app: WSGIApplication, authenticator: Authenticator) -> None:
        self._app, self._authenticator = app, authenticator

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Redirect nginx, or pass the request to the application."""
        authorization = environ.get("HTTP_AUTHORIZATION")
        if (
            "HTTP_X_DEFER_LOGIN" not in environ
            or not authorization
            or self._authenticator.find_cached_login(authorization)
        ):
            return self._app(environ, start_response)
        start_response("204 NO CONTENT", [("X-Accel-Redirect", SLOW_LOCATION)])
        return []
