"""Gunicorn around the application: its settings, what it does as it starts and ends, and its log."""

import logging
from pathlib import Path
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger

from income_tax import __version__
from income_tax.bootstrap import Services
from income_tax.service_log import Log
from income_tax.settings import Settings

from . import single_write_response
from .error_responses import failure_alert, worker_class

KEEPALIVE = 75  # seconds; longer than nginx keeps an idle connection (60), so that nginx is the one that closes
REQUEST_LINE_LIMIT = 8190  # bytes; nginx lets shorter lines pass only
CLOSE_TIME = 5.0  # seconds a stopping worker takes to mail what is waiting


class ToLog(logging.Handler):
    """Hands records of the standard library's logging to the service's log."""

    def __init__(self, log: Log) -> None:
        super().__init__()
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """Log the record as an event."""
        fields = {"exc_info": record.exc_info} if record.exc_info else {}
        self._log.log(record.levelno, record.getMessage(), place=record.name, **fields)


def logger_class(log: Log) -> type[Logger]:
    """Gunicorn's logger, writing to the service's log; set up again at each SIGHUP."""

    class ServiceLogger(Logger):  # type: ignore[misc]
        def setup(self, cfg: Any) -> None:
            self.cfg = cfg
            self._access_log_enabled = False
            self.error_log.setLevel(logging.INFO)
            self.error_log.handlers = [ToLog(log)]

    return ServiceLogger


def hooks(settings: Settings, services: Services, database: str) -> dict[str, Any]:
    """What gunicorn calls when it is ready, and as a worker begins and ends."""
    alerts = services.alerts

    def ready(server: Any) -> None:
        alerts.started()
        where = ", ".join(str(listener) for listener in server.LISTENERS)
        print(f"income-tax {__version__} on {database} serves {where}, log {settings.log_file}", flush=True)

    def begin(_worker: Any) -> None:
        services.watch.start()
        services.activity.start(services.state)
        alerts.start()  # every worker may send: one does, also what others or a former process have left

    def end(_server: Any, _worker: Any) -> None:
        services.activity.close()
        alerts.close(CLOSE_TIME)

    return {"when_ready": ready, "post_worker_init": begin, "worker_exit": end}


def options(settings: Settings, services: Services, database: str) -> dict[str, Any]:
    """Gunicorn's settings."""
    log, alerts = services.log, services.alerts

    def report(error: BaseException, request_id: str) -> None:
        alerts.send(failure_alert(error, request_id, settings.mask_amounts))

    return {
        "bind": settings.bind,
        "workers": settings.workers,
        "threads": settings.threads,
        "max_requests": settings.max_requests,
        "max_requests_jitter": settings.max_requests // 2,  # so that workers are not replaced at the same moment
        "worker_class": worker_class(log, services.lead, report),
        "logger_class": logger_class(log),
        # The application is made before the fork, so that workers share its memory; no thread exists by then.
        "preload_app": True,
        "keepalive": KEEPALIVE,
        "limit_request_line": REQUEST_LINE_LIMIT,
        "forwarded_allow_ips": "",  # whom to believe is for the trusted_proxy middleware alone
        "graceful_timeout": 10,
        "worker_tmp_dir": "/dev/shm" if Path("/dev/shm").is_dir() else None,  # noqa: S108 - gunicorn makes it private
        "control_socket_disable": True,  # there is no writable home in a read-only container
        "proc_name": "income-tax",
        **hooks(settings, services, database),
    }


class Server(BaseApplication):  # type: ignore[misc]
    """The service under gunicorn; `run` returns when it is told to stop."""

    def __init__(self, app: Flask, options: dict[str, Any]) -> None:
        self._app = app
        self._options = options
        single_write_response.install()
        super().__init__()

    def load_config(self) -> None:
        """Hand gunicorn its settings."""
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """The WSGI application."""
        return self._app
