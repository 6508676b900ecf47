"""The Flask application: registers, nothing more."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from flask import Flask

from income_tax.bootstrap import Services
from income_tax.server.leader_follower.leader_lock import ReleaseLeadershipMiddleware

from . import error_handlers
from .auth.basic_auth import basic_auth
from .middleware import request_log
from .middleware.drain_body import ReadBodies
from .middleware.fast_path import Front
from .middleware.metrics import Counted
from .middleware.trusted_proxy import TrustedProxy
from .pages import site
from .routes import calculation, curve, drill, health, schedules

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


def plain_address(application: WSGIApplication) -> WSGIApplication:
    """A request for `http://host`, without a path, is one for `/`: werkzeug would redirect it, with a page of HTML.

    Nothing here depends on the host, and werkzeug would refuse one that is no name: who asks by it is nginx's business.
    """

    def call(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        environ["PATH_INFO"] = environ.get("PATH_INFO") or "/"
        environ.pop("HTTP_HOST", None)
        return application(environ, start_response)

    return call


def create_app(services: Services) -> Flask:
    """The application over services that are built already."""
    settings = services.settings
    app = Flask("income_tax", static_folder=None)
    app.url_map.merge_slashes = False  # else //x is a redirect, with a page of HTML
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body
    app.wsgi_app = ReleaseLeadershipMiddleware(app.wsgi_app, services.lead)  # type: ignore[method-assign]
    if not settings.sleep_time:  # a pause is for who watches threads, and its log line for Flask's way
        app.wsgi_app = Front(app.wsgi_app, services.logins, services.schedules, services.say)  # type: ignore[method-assign]
    app.wsgi_app = ReadBodies(plain_address(app.wsgi_app), settings.max_body)  # type: ignore[method-assign]
    # A proxy in front names the client's address; without one, nobody may.
    if settings.trusted_proxy:
        app.wsgi_app = TrustedProxy(app.wsgi_app, settings.trusted_proxy)  # type: ignore[method-assign]
    app.wsgi_app = Counted(app.wsgi_app, services.activity)  # type: ignore[method-assign]
    login_required = basic_auth(services.logins)
    request_log.register(app, services.log, services.say)
    error_handlers.register(app, services.log, services.alerts, settings.batch_max, settings.mask_amounts)
    app.register_blueprint(
        calculation.blueprint(services.schedules, login_required, services.log, settings.sleep_time, settings.batch_max)
    )
    app.register_blueprint(curve.blueprint(services.schedules, login_required))
    app.register_blueprint(schedules.blueprint(services.schedules, login_required))
    app.register_blueprint(health.blueprint(services))
    site.register(app, services, login_required)
    if settings.drill_route:
        app.register_blueprint(drill.blueprint(login_required))
    return app
