"""Functions that build the objects of which the service consists."""

import hashlib
from collections.abc import Callable
from typing import Any

from sqlalchemy import Engine

from tax_common.files import ProcessLock

from . import __version__
from .alerts.alert import Alert, Summary
from .alerts.alert_thread import AlertSender
from .alerts.mail_delivery import MailDelivery
from .alerts.smtp_client import SmtpMailer
from .alerts.spool import Spool
from .http.auth.basic_auth import Authenticator
from .http.auth.login_throttle import LoginThrottle
from .http.auth.password_check_queue import PasswordCheckQueue
from .monitoring.database_monitor import INTERVAL, DatabaseMonitor
from .monitoring.worker_metrics import WorkerMetrics
from .server.gunicorn_app import ServerDependencies
from .server.gunicorn_request_errors import BODY_ERRORS
from .server.leader_follower.leader_lock import LeaderLock
from .service_log import Log, LogFile, build_logger, build_request_logger
from .settings import Settings
from .storage.database_connection import build_file_engine, build_server_engine
from .storage.login_failure_store import LoginFailureStore
from .storage.schedule_snapshot import CurrentSchedules, ScheduleSnapshot
from .storage.users import Users
from .tax.schedule_parser import Schedules


def build_log(settings: Settings, file: LogFile) -> Log:
    """Build the service's logger, which writes to the open log file."""
    return build_logger("api", file.write, settings.log_format, settings.log_level, settings.mask_amounts)


def build_alerts(settings: Settings, log: Log) -> AlertSender:
    """Build the alert sender."""
    folder = settings.state_dir / "alerts"
    mailer, log_file = SmtpMailer(settings.mail), str(settings.log_file)
    delivery = MailDelivery(mailer, settings.alert_rules, log_file, settings.dead_letters, log)
    return AlertSender(Spool(folder / "spool.sqlite"), ProcessLock(folder / "sender.lock"), delivery, log)


def build_engine(settings: Settings, database: str, writable: bool = False) -> Engine:
    """Build the SQLAlchemy engine. `database` is `sqlite`, `postgres` or `mysql`. `writable` only affects `sqlite`."""
    if database == "sqlite":
        return build_file_engine(settings.db_file, writable)
    return build_server_engine(database, settings.account)


def build_snapshot(settings: Settings, database: str) -> ScheduleSnapshot:
    """Build the object that reads and writes the database's schedule snapshot. Each database has its own file."""
    account = settings.account
    where = settings.db_file.absolute() if database == "sqlite" else (account.host, account.port, account.name)
    digest = hashlib.sha256(repr(where).encode()).hexdigest()[:8]
    return ScheduleSnapshot(settings.state_dir / f"schedules-{database}-{digest}.json")


def build_users(settings: Settings, log: Log) -> Users:
    """Build the user store. The store logs an error if the users file becomes invalid after startup."""

    def report_trouble(reason: str) -> None:
        log.error("users file invalid: previous users kept", place="users", reason=reason)

    return Users(settings.users_file, report_trouble)


def build_schedules(snapshot: ScheduleSnapshot, first: Schedules, log: Log, alerts: AlertSender) -> CurrentSchedules:
    """Build the object that holds the current schedules. A reload replaces the schedules."""

    def report_trouble(reason: str) -> None:
        log.error("schedule snapshot invalid: previous schedules kept", place="schedules", reason=reason)
        alerts.send(Alert.for_service("schedules", Summary.SNAPSHOT_INVALID, reason))

    def report_version(version: str) -> None:
        log.info("schedules reloaded", place="schedules", schedules=version)
        alerts.resolve("schedules")

    return CurrentSchedules(snapshot, first, report_version, report_trouble)


def build_database_monitor(engine: Engine, log: Log, alerts: AlertSender) -> DatabaseMonitor:
    """Build the monitor that reports when the database stops answering and when it answers again."""

    def report_loss(reason: str) -> None:
        log.error("database lost", place="database", reason=reason)
        alerts.send(Alert.for_service("database", Summary.DATABASE_LOST, reason))

    def report_answer() -> None:
        log.info("database answers", place="database")
        alerts.resolve("database")

    return DatabaseMonitor(engine, INTERVAL, report_loss, report_answer)


def build_services(
    settings: Settings, database: str, file: LogFile, log: Log, alerts: AlertSender, first: Schedules
) -> ServerDependencies:
    """Build all dependencies of the server. Raises OSError or UsersError if the users file is unreadable or invalid."""
    schedules = build_schedules(build_snapshot(settings, database), first, log, alerts)
    monitor = build_database_monitor(build_engine(settings, database), log, alerts)
    leader_lock = LeaderLock()
    return ServerDependencies(
        settings=settings,
        log=log,
        request_logger=build_request_logger(file.write, settings.log_format, settings.log_level, settings.mask_amounts),
        alerts=alerts,
        schedules=schedules,
        authenticator=build_authenticator(settings, log),
        metrics=WorkerMetrics(settings.state_dir / "workers", __version__),
        leader_lock=leader_lock,
        release_leadership_before=leader_lock.release_before,
        body_errors=BODY_ERRORS,
        state=build_state(schedules, monitor, file),
        database_monitor=monitor,
    )


def build_state(schedules: CurrentSchedules, monitor: DatabaseMonitor, file: LogFile) -> Callable[[], dict[str, Any]]:
    """Build the function that returns the schedule version, problems and number of lost lines for a metrics file."""

    def state() -> dict[str, Any]:
        troubles = [trouble for trouble in (monitor.trouble, file.trouble) if trouble]
        return {"schedules": schedules.get().version, "troubles": troubles, "lines_lost": file.lost}

    return state


def build_authenticator(settings: Settings, log: Log) -> Authenticator:
    """Build the request authenticator. Raises OSError or UsersError if the users file is unreadable or invalid."""
    throttle = LoginThrottle(LoginFailureStore(settings.state_dir / "logins/failures.sqlite"), log)
    return Authenticator(build_users(settings, log), throttle, PasswordCheckQueue(settings.threads))
