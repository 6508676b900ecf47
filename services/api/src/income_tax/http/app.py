"""The Flask application, assembled from middleware, error handlers and routes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import Flask

from income_tax.alerts.alert_sender import AlertSender
from income_tax.metrics.worker_counters import WorkerCounters
from income_tax.monitoring.request_history import RequestHistory
from income_tax.monitoring.worker_status import WorkerStatusPublisher
from income_tax.service_log import Log, RequestLogger
from income_tax.settings import Settings
from income_tax.storage.schedule_snapshot import CurrentSchedules

from . import error_handlers
from .auth.basic_auth import Authenticator, LoginRequired, build_login_required
from .middleware import metrics, request_log
from .middleware.defer_login import DeferLoginMiddleware
from .middleware.drain_body import DrainBodyMiddleware
from .middleware.fast_path import FastPathMiddleware
from .middleware.request_lines import RequestLog
from .middleware.trusted_proxy import TrustedProxy
from .openapi import document
from .pages import api_docs, browser_addresses, simulator, static_files, status_page
from .routes import calculation, curve, drill, health, login_check, schedules

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


@dataclass(frozen=True, slots=True, kw_only=True)
class AppDependencies:
    """The objects that the application uses. The package `bootstrap` builds these objects."""

    settings: Settings
    log: Log
    request_logger: RequestLogger
    alerts: AlertSender
    schedules: CurrentSchedules
    authenticator: Authenticator
    counters: WorkerCounters
    history: RequestHistory
    worker_status: WorkerStatusPublisher
    release_leadership_before: Callable[[WSGIApplication], WSGIApplication]  # adds middleware that releases leadership
    body_errors: tuple[type[Exception], ...]  # the exceptions that the server raises for a malformed body
    state: Callable[[], dict[str, Any]]  # returns this process's `schedules` (version), `troubles` and `lines_lost`


def create_app(services: AppDependencies) -> Flask:
    """Create the application. The server forks later, so this function must not start threads or open connections."""
    settings = services.settings
    app = Flask("income_tax", static_folder=None)
    app.url_map.merge_slashes = False  # if this were True, werkzeug would answer //x with an HTML redirect
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body
    log = RequestLog(services.request_logger, settings.log_sample)
    app.wsgi_app = wrap_in_middleware(app.wsgi_app, services, log)  # type: ignore[assignment,method-assign]
    metrics.register(app, services.counters)
    request_log.register(app, log)
    mask, body_errors = settings.mask_amounts, services.body_errors
    error_handlers.register(app, services.log, services.alerts, settings.batch_max, mask, body_errors)
    register_routes(app, services, build_login_required(services.authenticator))
    metrics.name_routes(app, services.counters)
    return app


def wrap_in_middleware(app: WSGIApplication, services: AppDependencies, log: RequestLog) -> WSGIApplication:
    """Wrap the application in its middleware, from the innermost to the outermost."""
    settings = services.settings
    app = DeferLoginMiddleware(services.release_leadership_before(app), services.authenticator)
    if not settings.sleep_time:  # the fast path does not support the pause that this setting requests
        app = FastPathMiddleware(app, services.authenticator, services.schedules, services.counters, log)
    app = DrainBodyMiddleware(normalize_target(app))
    # If no proxy is configured, the application ignores X-Forwarded-For.
    if settings.trusted_proxy:
        app = TrustedProxy(app, settings.trusted_proxy)
    return metrics.MetricsMiddleware(app, services.counters)


def normalize_target(app: WSGIApplication) -> WSGIApplication:
    """Wrap the application in a function that replaces an empty path (`http://host`) with `/`.

    werkzeug would answer an empty path with an HTML redirect. The function also removes the Host header. werkzeug
    would reject host names that nginx accepts, and the application does not use the header.
    """

    def call(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        environ["PATH_INFO"] = environ.get("PATH_INFO") or "/"
        environ.pop("HTTP_HOST", None)
        return app(environ, start_response)

    return call


def register_routes(app: Flask, services: AppDependencies, login_required: LoginRequired) -> None:
    """Register the routes of the API and the pages."""
    settings, current = services.settings, services.schedules
    blueprints = [
        calculation.build_blueprint(
            current, login_required, services.counters, services.log, settings.sleep_time, settings.batch_max
        ),
        curve.build_blueprint(current, login_required, services.counters),
        schedules.build_blueprint(current, login_required),
        health.build_blueprint(services.state),
        login_check.build_blueprint(login_required),
        document.build_blueprint(current, login_required, settings.batch_max),
        api_docs.build_blueprint(login_required),
        simulator.build_blueprint(current, login_required, settings.batch_max),
        status_page.build_blueprint(settings, services.alerts, current, login_required, services.state),
        static_files.build_blueprint(login_required),
        browser_addresses.build_blueprint(),
    ]
    if settings.drill_route:
        blueprints.append(drill.build_blueprint(login_required))
    for blueprint in blueprints:
        app.register_blueprint(blueprint)
