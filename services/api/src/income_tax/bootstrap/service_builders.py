"""Functions that build the objects of which the service consists."""

import hashlib
import socket
from collections.abc import Callable
from typing import Any

from sqlalchemy import Engine

from income_tax import __version__
from income_tax.alerts.alert import Alert, Summary
from income_tax.alerts.alert_sender import AlertSender
from income_tax.http.auth.basic_auth import Authenticator
from income_tax.http.auth.login_throttle import LoginThrottle
from income_tax.http.auth.password_check_queue import PasswordCheckQueue
from income_tax.metrics.shared_counters import SharedCounters
from income_tax.metrics.worker_counters import WorkerCounters
from income_tax.monitoring.request_history import RequestHistory
from income_tax.monitoring.worker_status import WorkerStatusPublisher
from income_tax.server.gunicorn_app import ServerDependencies
from income_tax.server.gunicorn_request_errors import BODY_ERRORS
from income_tax.server.leader_follower.leader_lock import LeaderLock
from income_tax.service_log import Log, LogFile, build_logger, build_request_logger
from income_tax.settings import Settings
from income_tax.storage.database_connection import build_file_engine, build_server_engine
from income_tax.storage.login_failure_store import LoginFailureStore
from income_tax.storage.schedule_snapshot import CurrentSchedules, ScheduleSnapshot
from income_tax.storage.users import Users
from income_tax.tax.schedule_parser import Schedules

from .metrics_builders import build_metrics_server, build_state_reader
from .monitor_builders import build_monitors


def build_log(settings: Settings, file: LogFile) -> Log:
    """Build the service's logger, which writes to the open log file."""
    return build_logger("api", file.write, settings.log_format, settings.log_level, settings.mask_amounts)


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


def build_schedules(snapshot: ScheduleSnapshot, first: Schedules, log: Log, alerts: AlertSender) -> CurrentSchedules:
    """Build the object that holds the current schedules. A reload replaces the schedules."""

    def report_trouble(reason: str) -> None:
        log.error("schedule snapshot invalid: previous schedules kept", place="schedules", reason=reason)
        alerts.send(Alert.for_service("schedules", Summary.SNAPSHOT_INVALID, reason))

    def report_version(version: str) -> None:
        log.info("schedules reloaded", place="schedules", schedules=version)
        alerts.resolve("schedules")

    return CurrentSchedules(snapshot, first, report_version, report_trouble)


def build_services(
    settings: Settings, database: str, file: LogFile, log: Log, alerts: AlertSender, first: Schedules
) -> ServerDependencies:
    """Build all dependencies of the server. Raises OSError or UsersError if the users file is unreadable or invalid."""
    counters, snapshot = WorkerCounters(SharedCounters()), build_snapshot(settings, database)
    file.on_write, file.on_lost_line = counters.count_written_line, counters.count_lost_line
    schedules, users = build_schedules(snapshot, first, log, alerts), Users(settings.users_file)
    throttle = LoginThrottle(LoginFailureStore(settings.state_dir / "logins/failures.sqlite"), log)
    history = RequestHistory(settings.history_folder, socket.gethostname(), counters)
    worker_status = WorkerStatusPublisher(settings.workers_folder, __version__, history.record_if_first)
    engine, leader_lock = build_engine(settings, database), LeaderLock()
    monitors = build_monitors(settings, engine, file, users, throttle, worker_status, log, alerts)
    read_state = build_state_reader(settings, database, schedules, snapshot, monitors.database, alerts)
    queue = PasswordCheckQueue(settings.threads, counters)
    return ServerDependencies(
        settings=settings,
        log=log,
        request_logger=build_request_logger(file.write, settings.log_format, settings.log_level, settings.mask_amounts),
        alerts=alerts,
        schedules=schedules,
        authenticator=Authenticator(users, throttle, queue, counters.count_login),
        counters=counters,
        history=history,
        worker_status=worker_status,
        metrics_server=build_metrics_server(settings, counters, read_state),
        users=users,
        leader_lock=leader_lock,
        release_leadership_before=leader_lock.release_before,
        body_errors=BODY_ERRORS,
        state=build_state(schedules, file, counters, monitors.find_troubles),
        database_monitor=monitors.database,
        periodic_checks=monitors.checks,
    )


def build_state(
    schedules: CurrentSchedules, file: LogFile, counters: WorkerCounters, find_troubles: Callable[[], list[str]]
) -> Callable[[], dict[str, Any]]:
    """Build the function that returns the schedule version, problems and counts of this process."""

    def state() -> dict[str, Any]:
        counts = {"lines_lost": file.lost, "requests": counters.responses}
        return {"schedules": schedules.get().version, "troubles": find_troubles(), **counts}

    return state
