"""Functions that build the monitors. A monitor logs each failure, and sends an alert."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine

from income_tax.alerts.alert import Alert, Summary
from income_tax.alerts.alert_sender import AlertSender
from income_tax.http.auth.login_throttle import LoginThrottle
from income_tax.monitoring.database_monitor import INTERVAL, DatabaseMonitor
from income_tax.monitoring.missing_replicas import MissingReplicasMonitor
from income_tax.monitoring.replica_monitor import ReplicaMonitor, describe_silence
from income_tax.monitoring.service_status import read_expected_replicas
from income_tax.monitoring.trouble_monitor import PeriodicChecks, TroubleMonitor, read_proxy_trouble
from income_tax.monitoring.worker_status import WorkerStatusPublisher
from income_tax.service_log import Log, LogFile
from income_tax.settings import Settings
from income_tax.storage.users import Users
from tax_common.files import build_process_name


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


def build_replica_monitors(
    settings: Settings, log: Log, alerts: AlertSender
) -> tuple[ReplicaMonitor, MissingReplicasMonitor]:
    """Build the monitors of replicas that stand still and of missing replicas.

    The first monitor takes the sender locks away from a replica that stands still.
    """

    def read_expected() -> int | None:
        return read_expected_replicas(settings.replicas_file)

    def report_silent(host: str) -> None:
        log.error("replica stands still", place="replicas", replica=host)
        alerts.send(Alert.for_service("replica", Summary.REPLICA_SILENT, describe_silence(host), host))

    def report_missing(sentence: str) -> None:
        log.error("replica missing", place="replicas", reason=sentence)
        alerts.send(Alert.for_service("missing", Summary.REPLICA_MISSING, sentence))

    folder, recovered = settings.workers_folder, lambda: alerts.resolve("replica")
    silent = ReplicaMonitor(folder, build_process_name, read_expected, report_silent, alerts.take_lock_away, recovered)
    missing = MissingReplicasMonitor(silent, read_expected, report_missing, lambda: alerts.resolve("missing"))
    return silent, missing


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
    replicas, missing = build_replica_monitors(settings, log, alerts)
    checks = PeriodicChecks([*(monitor.check for monitor in (*monitors, state_mail)), replicas.check, missing.check])

    def find_troubles() -> list[str]:
        found = [database.trouble, file.trouble, *(monitor.trouble for monitor in monitors)]
        return [trouble for trouble in found if trouble] + replicas.troubles

    return Monitors(database, checks, find_troubles)
