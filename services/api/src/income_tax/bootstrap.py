"""Builds what the service works with: the only place that does."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine

from . import __version__
from .alerts.alert import Alert
from .alerts.delivery import Sender
from .alerts.dispatcher import Dispatcher
from .alerts.sender_lock import Leadership
from .alerts.smtp import SmtpMailer
from .alerts.spool import Spool
from .http.app import AppDependencies
from .http.auth.basic_auth import Authenticator
from .http.auth.login_throttle import LoginThrottle
from .http.auth.password_check_queue import PasswordCheckQueue
from .monitoring.database_monitor import DatabaseWatch
from .monitoring.worker_metrics import Activity
from .server.leader_follower.leader_lock import Lead
from .service_log import Log, LogFile, build_logger, build_request_logger
from .settings import Settings
from .storage.database import file_engine, server_engine
from .storage.login_failures import FailureFile
from .storage.schedule_snapshot import CurrentSchedules, LastGood
from .storage.users import Users
from .tax.schedule_data import Schedules

WATCH_EVERY = 10.0  # seconds between two looks at the database


@dataclass(frozen=True, slots=True, kw_only=True)
class Services(AppDependencies):
    """The dependencies of the application, and the database monitor that each worker starts."""

    watch: DatabaseWatch


def build_log(settings: Settings, file: LogFile) -> Log:
    """The log on an open file."""
    return build_logger("api", file.write, settings.log_format, settings.log_level, settings.mask_amounts)


def build_alerts(settings: Settings, log: Log) -> Dispatcher:
    """What keeps and mails alerts."""
    folder = settings.state_dir / "alerts"
    mailer, log_file = SmtpMailer(settings.mail), str(settings.log_file)
    sender = Sender(mailer, settings.alert_rules, log_file, settings.dead_letters, log)
    return Dispatcher(Spool(folder / "spool.sqlite"), Leadership(folder / "sender.lock"), sender, log)


def build_engine(settings: Settings, database: str, writable: bool = False) -> Engine:
    """The engine for `sqlite`, `postgres` or `mysql`."""
    if database == "sqlite":
        return file_engine(settings.db_file, writable)
    return server_engine(database, settings.account)


def build_last_good(settings: Settings, database: str) -> LastGood:
    """The file of the last good schedules of this very database: those of another are not an answer."""
    account = settings.account
    where = settings.db_file.absolute() if database == "sqlite" else (account.host, account.port, account.name)
    digest = hashlib.sha256(repr(where).encode()).hexdigest()[:8]
    return LastGood(settings.state_dir / f"schedules-{database}-{digest}.json")


def build_users(settings: Settings, log: Log) -> Users:
    """The users; a file that turns bad while it serves is logged."""

    def trouble(reason: str) -> None:
        log.error("users file cannot be read: the users are as before", place="users", reason=reason)

    return Users(settings.users_file, trouble)


def build_schedules(file: LastGood, first: Schedules, log: Log, alerts: Dispatcher) -> CurrentSchedules:
    """The schedules to answer with, changed by a reload."""

    def trouble(reason: str) -> None:
        log.error("schedules file is bad: the schedules are as before", place="schedules", reason=reason)
        summary = "The tax service goes on with the schedules it has: their file is bad."
        alerts.send(Alert.of_service("schedules", summary, reason))

    def good(version: str) -> None:
        log.info("schedules taken in", place="schedules", schedules=version)
        alerts.resolve("schedules")

    return CurrentSchedules(file, first, good, trouble)


def build_watch(engine: Engine, log: Log, alerts: Dispatcher) -> DatabaseWatch:
    """Who looks whether the database answers."""

    def lost(reason: str) -> None:
        log.error("database lost", place="database", reason=reason)
        alerts.send(Alert.of_service("database", "The tax service goes on without its database.", reason))

    def answers() -> None:
        log.info("database answers", place="database")
        alerts.resolve("database")

    return DatabaseWatch(engine, WATCH_EVERY, lost, answers)


def build_services(
    settings: Settings, database: str, file: LogFile, log: Log, alerts: Dispatcher, first: Schedules
) -> Services:
    """Everything; OSError or UsersError when the users file cannot be used."""
    schedules = build_schedules(build_last_good(settings, database), first, log, alerts)
    watch = build_watch(build_engine(settings, database), log, alerts)
    return Services(
        settings=settings,
        log=log,
        request_logger=build_request_logger(file.write, settings.log_format, settings.log_level, settings.mask_amounts),
        alerts=alerts,
        schedules=schedules,
        authenticator=build_authenticator(settings, log),
        activity=Activity(settings.state_dir / "workers", __version__),
        lead=Lead(),
        state=build_state(schedules, watch, file),
        watch=watch,
    )


def build_state(schedules: CurrentSchedules, watch: DatabaseWatch, file: LogFile) -> Callable[[], dict[str, Any]]:
    """Build the reader of the state that a worker publishes."""

    def state() -> dict[str, Any]:
        troubles = [trouble for trouble in (watch.trouble, file.trouble) if trouble]
        return {"schedules": schedules.get().version, "troubles": troubles, "lines_lost": file.lost}

    return state


def build_authenticator(settings: Settings, log: Log) -> Authenticator:
    """Build the verification of logins. Raise OSError or UsersError if the users file is unusable."""
    throttle = LoginThrottle(FailureFile(settings.state_dir / "logins/failures.sqlite"), log)
    return Authenticator(build_users(settings, log), throttle, PasswordCheckQueue(settings.threads))
