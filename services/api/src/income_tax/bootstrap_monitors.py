"""Functions that build the monitors. A monitor logs each failure, and sends an alert."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine

from tax_common.files import build_process_name

from .alerts.alert import Alert, Summary
from .alerts.alert_thread import AlertSender
from .http.auth.login_throttle import LoginThrottle
from .monitoring.database_monitor import INTERVAL, DatabaseMonitor
from .monitoring.replica_monitor import ReplicaMonitor, describe_silence
from .monitoring.service_status import read_expected_replicas
from .monitoring.trouble_monitor import PeriodicChecks, TroubleMonitor, read_proxy_trouble
from .monitoring.worker_status import WorkerStatusPublisher
from .service_log import Log, LogFile
from .settings import Settings
from .storage.users import Users


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
    publisher: WorkerStatusPublisher, throttle: LoginThrottle, log: Log, alerts: AlertSender
) -> tuple[TroubleMonitor, TroubleMonitor]:
    """Build two monitors of a full volume of the state and of uncounted failed logins. The second sends the mails.

    On a full volume, every process detects the failure and keeps its own alerts in memory. Only the sender mails it.
    """

    def find_trouble() -> str | None:
        return publisher.trouble or throttle.find_trouble()

    def report_trouble(reason: str) -> None:
        log.error("state not written", place="state", reason=reason)

    def find_mailed_trouble() -> str | None:
        return monitor.trouble if publisher.trouble is None or alerts.is_sender else None

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


def build_replica_monitor(settings: Settings, log: Log, alerts: AlertSender) -> ReplicaMonitor:
    """Build the monitor that reports replicas that stand still. It takes the sender lock away from such replicas."""

    def report_silent(host: str) -> None:
        log.error("replica stands still", place="replicas", replica=host)
        alerts.send(Alert.for_service("replica", Summary.REPLICA_SILENT, describe_silence(host), host))

    return ReplicaMonitor(
        settings.workers_folder,
        build_process_name,
        lambda: read_expected_replicas(settings.replicas_file),
        report_silent,
        alerts.sender_lock.take_away,
        lambda: alerts.resolve("replica"),
    )


@dataclass(frozen=True, slots=True)
class Monitors:
    """The monitor of the database, the checks of all other monitors, and a function that returns all problems."""

    database: DatabaseMonitor
    checks: PeriodicChecks
    find_troubles: Callable[[], list[str]]


def build_monitors(
    settings: Settings,
    engine: Engine,
    file: LogFile,
    users: Users,
    throttle: LoginThrottle,
    publisher: WorkerStatusPublisher,
    log: Log,
    alerts: AlertSender,
) -> Monitors:
    """Build all monitors of a process."""
    database = build_database_monitor(engine, log, alerts)
    state, state_mail = build_state_monitor(publisher, throttle, log, alerts)
    proxy = build_proxy_monitor(settings.proxy_trouble_file, log, alerts)
    monitors = [build_users_monitor(users, log, alerts), state, proxy]
    replicas = build_replica_monitor(settings, log, alerts)
    checks = PeriodicChecks([*(monitor.check for monitor in (*monitors, state_mail)), replicas.check])

    def find_troubles() -> list[str]:
        found = [database.trouble, file.trouble, *(monitor.trouble for monitor in monitors)]
        return [trouble for trouble in found if trouble] + replicas.troubles

    return Monitors(database, checks, find_troubles)
