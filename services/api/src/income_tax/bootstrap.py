"""Functions that build the objects of which the service consists."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from . import __version__
from .alert_builders import build_missing_monitor
from .alerts.alert import Alert, Summary
from .alerts.alert_sender import AlertSender
from .http.auth.basic_auth import Authenticator
from .http.auth.login_throttle import LoginThrottle
from .http.auth.password_check_queue import PasswordCheckQueue
from .monitoring.database_monitor import INTERVAL, DatabaseMonitor
from .monitoring.missing_replicas import MissingReplicasMonitor
from .monitoring.replica_monitor import ReplicaMonitor, describe_silence
from .monitoring.service_status import read_expected_replicas
from .monitoring.trouble_monitor import PeriodicChecks, TroubleMonitor, read_proxy_trouble
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


def build_database_monitor(engine: Engine, log: Log, alerts: AlertSender) -> DatabaseMonitor:
    """Build the monitor that reports when the database stops answering and when it answers again."""

    def report_loss(reason: str) -> None:
        log.error("database lost", place="database", reason=reason)
        alerts.send(Alert.for_service("database", Summary.DATABASE_LOST, reason))

    def report_answer() -> None:
        log.info("database answers", place="database")
        alerts.resolve("database")

    return DatabaseMonitor(engine, INTERVAL, report_loss, report_answer)


def build_users_monitor(users: Users, log: Log, alerts: AlertSender) -> TroubleMonitor:
    """Build the monitor that reports an unusable users file."""

    def report_trouble(reason: str) -> None:
        log.error("users file invalid", place="users", reason=reason)
        alerts.send(Alert.for_service("users", Summary.USERS_INVALID, reason))

    return TroubleMonitor(users.find_trouble, report_trouble, lambda: alerts.resolve("users"))


def build_state_monitor(
    metrics: WorkerMetrics, throttle: LoginThrottle, log: Log, alerts: AlertSender
) -> tuple[TroubleMonitor, TroubleMonitor]:
    """Build two monitors of a full volume of the state and of uncounted failed logins. The second sends the mails.

    On a full volume, every process detects the failure and keeps its own alerts in memory. Only the sender mails it.
    """

    def find_trouble() -> str | None:
        return metrics.trouble or throttle.find_trouble()

    def report_trouble(reason: str) -> None:
        log.error("state not written", place="state", reason=reason)

    def find_mailed_trouble() -> str | None:
        return monitor.trouble if metrics.trouble is None or alerts.is_sender else None

    def mail_trouble(reason: str) -> None:
        alerts.send(Alert.for_service("state", Summary.STATE_NOT_WRITTEN, reason))

    monitor = TroubleMonitor(find_trouble, report_trouble, lambda: alerts.resolve("state"))
    return monitor, TroubleMonitor(find_mailed_trouble, mail_trouble, lambda: None)


def build_proxy_monitor(file: Path | None, log: Log, alerts: AlertSender) -> TroubleMonitor:
    """Build the monitor that reports the content of the file in which nginx's health check records an error."""

    def report_trouble(reason: str) -> None:
        log.error("nginx could not restart", place="proxy", reason=reason)
        alerts.send(Alert.for_service("proxy", Summary.PROXY_INVALID, reason))

    return TroubleMonitor(lambda: read_proxy_trouble(file), report_trouble, lambda: alerts.resolve("proxy"))


def build_replica_monitors(
    settings: Settings, metrics: WorkerMetrics, log: Log, alerts: AlertSender
) -> tuple[ReplicaMonitor, MissingReplicasMonitor]:
    """Build the monitors of replicas that stand still and of missing replicas.

    The first monitor takes the sender locks away from a replica that stands still.
    """

    def report_silent(host: str) -> None:
        log.error("replica stands still", place="replicas", replica=host)
        alerts.send(Alert.for_service("replica", Summary.REPLICA_SILENT, describe_silence(host), host))

    monitor = ReplicaMonitor(
        metrics.folder,
        lambda: metrics.name,
        lambda: read_expected_replicas(settings.replicas_file),
        report_silent,
        alerts.take_lock_away,
        lambda: alerts.resolve("replica"),
    )
    return monitor, build_missing_monitor(settings, monitor, log, alerts)


def build_services(
    settings: Settings, database: str, file: LogFile, log: Log, alerts: AlertSender, first: Schedules
) -> ServerDependencies:
    """Build all dependencies of the server. Raises OSError or UsersError if the users file is unreadable or invalid."""
    schedules = build_schedules(build_snapshot(settings, database), first, log, alerts)
    users = Users(settings.users_file)
    throttle = LoginThrottle(LoginFailureStore(settings.state_dir / "logins/failures.sqlite"), log)
    metrics = WorkerMetrics(settings.state_dir / "workers", __version__)
    users_monitor = build_users_monitor(users, log, alerts)
    state_monitor, state_mail = build_state_monitor(metrics, throttle, log, alerts)
    monitors = [users_monitor, state_monitor, build_proxy_monitor(settings.proxy_trouble_file, log, alerts)]
    replicas, missing = build_replica_monitors(settings, metrics, log, alerts)
    checks = [*(monitor.check for monitor in (*monitors, state_mail)), replicas.check, missing.check]

    def find_troubles() -> list[str]:
        found = [database_monitor.trouble, file.trouble, *(monitor.trouble for monitor in monitors)]
        return [trouble for trouble in found if trouble] + replicas.troubles

    database_monitor, leader_lock = build_database_monitor(build_engine(settings, database), log, alerts), LeaderLock()
    return ServerDependencies(
        settings=settings,
        log=log,
        request_logger=build_request_logger(file.write, settings.log_format, settings.log_level, settings.mask_amounts),
        alerts=alerts,
        schedules=schedules,
        authenticator=Authenticator(users, throttle, PasswordCheckQueue(settings.threads)),
        metrics=metrics,
        users=users,
        leader_lock=leader_lock,
        release_leadership_before=leader_lock.release_before,
        body_errors=BODY_ERRORS,
        state=build_state(schedules, file, find_troubles),
        database_monitor=database_monitor,
        periodic_checks=PeriodicChecks(checks),
    )


def build_state(
    schedules: CurrentSchedules, file: LogFile, find_troubles: Callable[[], list[str]]
) -> Callable[[], dict[str, Any]]:
    """Build the function that returns the schedule version, problems and number of lost lines for a metrics file."""

    def state() -> dict[str, Any]:
        return {"schedules": schedules.get().version, "troubles": find_troubles(), "lines_lost": file.lost}

    return state
