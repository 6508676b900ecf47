"""The gunicorn application with its settings, hooks and logger."""

import contextlib
import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger

from income_tax import __version__
from income_tax.http.app import AppDependencies
from income_tax.metrics.metrics_server import MetricsServer
from income_tax.monitoring.database_monitor import DatabaseMonitor
from income_tax.monitoring.trouble_monitor import PeriodicChecks
from income_tax.service_log import Log
from income_tax.settings import Settings
from income_tax.storage.users import Users

from . import single_write_response
from .gunicorn_request_errors import HEADER_BYTES, HEADERS_MAX, build_alert, build_worker_class
from .leader_follower.leader_lock import LeaderLock

KEEPALIVE = 75  # seconds; nginx closes an idle connection first, after 60 seconds
REQUEST_LINE_LIMIT = 8190  # bytes; nginx rejects longer lines
CLOSE_TIME = 5.0  # maximum seconds that a stopping worker spends on mail delivery


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerDependencies(AppDependencies):
    """The objects that the application and the workers use."""

    leader_lock: LeaderLock
    database_monitor: DatabaseMonitor
    periodic_checks: PeriodicChecks
    users: Users
    metrics_server: MetricsServer | None  # None: the settings disable the exposition of the metrics


class ServiceLogHandler(logging.Handler):
    """A handler that writes the records of the standard `logging` module to the service's log."""

    def __init__(self, log: Log) -> None:
        super().__init__()
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """Log the record as an event."""
        fields = {"exc_info": record.exc_info} if record.exc_info else {}
        self._log.log(record.levelno, record.getMessage(), place=record.name, **fields)


def build_logger_class(log: Log) -> type[Logger]:
    """Build gunicorn's logger class, which writes to the service's log. Gunicorn calls `setup` again at each SIGHUP."""

    class ServiceLogger(Logger):  # type: ignore[misc]
        def setup(self, cfg: Any) -> None:
            self.cfg = cfg
            self._access_log_enabled = False
            self.error_log.setLevel(logging.INFO)
            self.error_log.handlers = [ServiceLogHandler(log)]

    return ServiceLogger


def build_hooks(settings: Settings, services: ServerDependencies, database: str) -> dict[str, Any]:
    """Build the hooks that gunicorn calls when the server is ready, and when a worker or the server ends."""
    counters = services.counters
    # gunicorn writes a log line in a new worker before it calls any hook there.
    os.register_at_fork(after_in_child=lambda: counters.use_slot(counters.next_slot))

    def report_ready(server: Any) -> None:
        services.alerts.resolve_startup()
        where = ", ".join(str(listener) for listener in server.LISTENERS)
        print(f"income-tax {__version__} on {database} serves {where}, log {settings.log_file}", flush=True)

    def prepare_worker(_server: Any, worker: Any) -> None:
        services.users.find_trouble()  # a new worker starts with the users that this process has read last
        counters.next_slot = counters.shared.assign_slot(worker)

    def release_slot(_server: Any, worker: Any) -> None:
        counters.shared.release_slot(worker)

    def record_history(_server: Any) -> None:
        with contextlib.suppress(OSError):
            services.history.record()

    return {
        "when_ready": report_ready,
        "pre_fork": prepare_worker,
        "post_worker_init": lambda _worker: start_threads(services),
        "worker_abort": mark_aborted,
        "worker_exit": lambda _server, worker: stop_threads(services, has_crashed(worker)),
        "child_exit": release_slot,  # gunicorn also calls this hook after a worker was killed
        "on_exit": record_history,
    }


def mark_aborted(worker: Any) -> None:
    """Mark a worker that did not respond for gunicorn's timeout, so that it counts as killed."""
    worker.was_aborted = True


def has_crashed(worker: Any) -> bool:
    """Return whether a worker ends after an exception or an abort. A planned end sets `alive` to false before."""
    return worker.alive or getattr(worker, "was_aborted", False)


def start_threads(services: ServerDependencies) -> None:
    """Start the threads of a worker. Threads do not survive a fork, so the worker starts them after the fork."""
    services.database_monitor.start()
    services.worker_status.start(services.state)
    if services.metrics_server:
        services.metrics_server.start()
    services.periodic_checks.start()
    services.alerts.start()  # every worker has this thread, but only the holder of the sender lock delivers mails


def stop_threads(services: ServerDependencies, has_crashed: bool) -> None:
    """Stop the threads of a worker that ends."""
    if services.metrics_server:
        services.metrics_server.close()
    services.worker_status.close()
    services.alerts.close(CLOSE_TIME)
    if not has_crashed:
        services.counters.mark_end()


def build_options(settings: Settings, services: ServerDependencies, database: str) -> dict[str, Any]:
    """Build gunicorn's settings."""
    log, alerts = services.log, services.alerts

    def report(error: BaseException, request_id: str) -> None:
        alerts.send(build_alert(error, request_id, settings.mask_amounts))

    return {
        "bind": settings.bind,
        "workers": settings.workers,
        "threads": settings.threads,
        "max_requests": settings.max_requests,
        "max_requests_jitter": settings.max_requests // 2,  # so that the workers are not replaced simultaneously
        "worker_class": build_worker_class(log, services.leader_lock, report, services.counters.count_rejection),
        "logger_class": build_logger_class(log),
        # The application is built before the fork, so that workers share memory. No thread is running at the fork.
        "preload_app": True,
        "keepalive": KEEPALIVE,
        "limit_request_line": REQUEST_LINE_LIMIT,
        "limit_request_fields": HEADERS_MAX,
        "limit_request_field_size": HEADER_BYTES,
        "forwarded_allow_ips": "",  # only the trusted_proxy middleware evaluates forwarded addresses
        "graceful_timeout": 10,
        "worker_tmp_dir": "/dev/shm" if Path("/dev/shm").is_dir() else None,  # noqa: S108 - gunicorn unlinks its temporary file
        "control_socket_disable": True,  # the socket needs a writable home folder, and the container is read-only
        "proc_name": "income-tax",
        **build_hooks(settings, services, database),
    }


class GunicornServer(BaseApplication):  # type: ignore[misc]
    """The gunicorn server of the service. `run` exits the process after a stop signal."""

    def __init__(self, app: Flask, options: dict[str, Any]) -> None:
        self._app = app
        self._options = options
        single_write_response.install()
        super().__init__()

    def load_config(self) -> None:
        """Apply the options to gunicorn's configuration."""
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """Return the WSGI application."""
        return self._app
