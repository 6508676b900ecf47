"""Functions that build the sender of the alerts, and a monitor that uses the sender."""

from tax_common.files import ProcessLock

from .alerts.alert import Alert, Summary
from .alerts.alert_thread import AlertSender
from .alerts.mail_delivery import MailDelivery
from .alerts.smtp_client import SmtpMailer
from .alerts.spool import Spool
from .monitoring.missing_replicas import MissingReplicasMonitor
from .monitoring.replica_monitor import ReplicaMonitor
from .monitoring.service_status import read_expected_replicas
from .service_log import Log
from .settings import Settings


def build_alerts(settings: Settings, log: Log) -> AlertSender:
    """Build the alert sender."""
    folder, mailer = settings.state_dir / "alerts", SmtpMailer(settings.mail)
    delivery = MailDelivery(mailer, settings.alert_rules, settings.deployment, settings.dead_letters, log)
    return AlertSender(Spool(folder / "spool.sqlite"), ProcessLock(folder / "sender.lock"), delivery, log)


def build_missing_monitor(
    settings: Settings, replicas: ReplicaMonitor, log: Log, alerts: AlertSender
) -> MissingReplicasMonitor:
    """Build the monitor that reports when too few replicas run for a minute, and when enough replicas run again."""

    def report_missing(sentence: str) -> None:
        log.error("replica missing", place="replicas", reason=sentence)
        alerts.send(Alert.for_service("missing", Summary.REPLICA_MISSING, sentence))

    return MissingReplicasMonitor(
        replicas,
        lambda: read_expected_replicas(settings.replicas_file),
        report_missing,
        lambda: alerts.resolve("missing"),
    )
