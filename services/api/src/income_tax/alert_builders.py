"""The function that builds the sender of the alerts."""

from tax_common.files import ProcessLock

from .alerts.alert_thread import AlertSender
from .alerts.mail_delivery import MailDelivery
from .alerts.smtp_client import SmtpMailer
from .alerts.spool import Spool
from .service_log import Log
from .settings import Settings


def build_alerts(settings: Settings, log: Log) -> AlertSender:
    """Build the alert sender."""
    folder, mailer = settings.state_dir / "alerts", SmtpMailer(settings.mail)
    delivery = MailDelivery(mailer, settings.alert_rules, settings.deployment, settings.dead_letters, log)
    return AlertSender(Spool(folder / "spool.sqlite"), ProcessLock(folder / "sender.lock"), delivery, log)
