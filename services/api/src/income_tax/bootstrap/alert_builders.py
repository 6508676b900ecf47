"""The function that builds the sender of the alerts, with its channels."""

from income_tax.alerts.alert_sender import AlertSender
from income_tax.alerts.alert_thread import AlertThread
from income_tax.alerts.alertmanager import AlertmanagerDelivery
from income_tax.alerts.channel import Delivery
from income_tax.alerts.mail_delivery import MailDelivery
from income_tax.alerts.smtp_client import SmtpMailer
from income_tax.alerts.spool import Spool
from income_tax.alerts.webhook import WebhookChannel
from income_tax.service_log import Log
from income_tax.settings import Settings
from tax_common.files import ProcessLock


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
