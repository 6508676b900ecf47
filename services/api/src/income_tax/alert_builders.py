"""Functions that build the sender of the alerts, and a monitor that uses the sender."""

from tax_common.files import ProcessLock

from .alerts.alert import Alert, Summary
from .alerts.alert_sender import AlertSender
from .alerts.alert_thread import AlertThread
from .alerts.alertmanager import AlertmanagerDelivery
from .alerts.channel import Delivery
from .alerts.mail_delivery import MailDelivery
from .alerts.smtp_client import SmtpMailer
from .alerts.spool import Spool
from .alerts.webhook import WebhookChannel
from .monitoring.missing_replicas import MissingReplicasMonitor
from .monitoring.replica_monitor import ReplicaMonitor
from .monitoring.service_status import read_expected_replicas
from .service_log import Log
from .settings import Settings


def build_alerts(settings: Settings, log: Log) -> AlertSender:
    """Build the sender of the alerts, with the channels that the settings select."""
    rules, deployment, dead = settings.alert_rules, settings.deployment, settings.dead_letters
    channels = settings.channels

    def build_thread(name: str, lock: str, delivery: Delivery) -> AlertThread:
        folder = settings.state_dir / "alerts"
        return AlertThread(Spool(folder / f"{name}.sqlite"), ProcessLock(folder / f"{lock}.lock"), delivery, log)

    if channels.via == "alertmanager":
        manager = AlertmanagerDelivery(channels.alertmanager_url, rules, deployment, log)
        threads = [build_thread("alertmanager", "alertmanager", manager)]
    else:
        mails = MailDelivery(SmtpMailer(settings.mail), rules, deployment, dead, log)
        threads = [build_thread("spool", "sender", mails)]
    if channels.webhook_url:
        webhook = MailDelivery(WebhookChannel(channels.webhook_url), rules, deployment, dead, log)
        threads.append(build_thread("webhook", "webhook", webhook))
    return AlertSender(threads)


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
