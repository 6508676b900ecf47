"""The functions that read the settings of the alerts. `.env.example` explains these settings."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from tax_common.settings_reader import Reader, SettingsError
from tax_common.text_formatting import show_invisible

from .alerts.channel import ChannelSettings
from .alerts.deployment import Deployment
from .alerts.incident_policy import AlertRules
from .alerts.mail_addresses import (
    EXPECTED_ADDRESS,
    EXPECTED_ADDRESSES,
    EXPECTED_HOST,
    EXPECTED_SERVER,
    parse_address,
    parse_addresses,
    parse_host_or_nothing,
    parse_server,
)
from .alerts.smtp_client import MailSettings

DEFAULT_LOG_FILE, DEFAULT_STATE_DIR = "logs/api/api.log", "state"

T = TypeVar("T")


def read_deployment(read: Reader) -> Deployment:
    """Read the facts about the installation that the alerts contain."""
    expected = "an address such as https://tax.example.org/status"
    return Deployment(
        log_file=read.text("LOG_FILE", DEFAULT_LOG_FILE),
        host_name=read.text("HOST_NAME"),
        # `make up` writes this file, because a setting of the API would change if plain `docker compose` is used.
        host_file=Path(read.text("STATE_DIR", DEFAULT_STATE_DIR)) / "host",
        status_page=parse_text(read, "STATUS_PAGE", "", parse_page, expected),
    )


def read_channels(read: Reader) -> ChannelSettings:
    """Read the channels of the alerts. Raises SettingsError for the first invalid setting."""
    via, manager = read.choice("ALERT_VIA", "mail", "alertmanager"), read.text("ALERTMANAGER_URL")
    if via == "alertmanager" and not manager:
        raise SettingsError("ALERTMANAGER_URL is []; expected the address of Alertmanager, because of ALERT_VIA")
    return ChannelSettings(
        via=via,
        webhook_url=read_url(read, "ALERT_WEBHOOK_URL", "https://example.org/alerts"),
        alertmanager_url=read_url(read, "ALERTMANAGER_URL", "http://alertmanager:9093"),
    )


def read_alert_rules(read: Reader) -> AlertRules:
    """Read the intervals of the alert e-mails."""
    return AlertRules(
        repeat=read.seconds("ALERT_REPEAT", 900),
        quiet=read.seconds("ALERT_QUIET", 600),
        refused_span=read.seconds("SMTP_REFUSED_SPAN", 900),
    )


def read_mail_settings(read: Reader) -> MailSettings:
    """Read the settings of the alert e-mails."""
    user, path = read.text("SMTP_USER"), read.text("SMTP_PASSWORD_FILE")
    if bool(user) != bool(path):
        raise SettingsError(f"SMTP_USER is [{user}] and SMTP_PASSWORD_FILE is [{path}]; expected both, or neither")
    return MailSettings(
        host=parse_text(read, "SMTP_HOST", "127.0.0.1", parse_server, EXPECTED_SERVER),
        port=read.whole("SMTP_PORT", 1025, 1, 65535),
        tls=read.choice("SMTP_TLS", "none", "starttls", "tls"),
        ca_file=read.certificates("SMTP_CA_FILE"),
        user=user,
        password=read.secret("SMTP_PASSWORD_FILE"),
        helo_name=parse_text(read, "SMTP_HELO_NAME", "", parse_host_or_nothing, EXPECTED_HOST),
        timeout=read.seconds("SMTP_TIMEOUT", 300, 3600, above_zero=True),
        sender=parse_text(read, "ALERT_FROM", "tax-service@localhost", parse_address, EXPECTED_ADDRESS),
        recipients=parse_text(read, "ALERT_TO", "admin@localhost", parse_addresses, EXPECTED_ADDRESSES),
        subject=read.text("ALERT_SUBJECT"),
    )


def parse_text(read: Reader, name: str, default: str, parse: Callable[[str], T], expected: str) -> T:
    """Return the parsed value of a setting. Raises SettingsError if `parse` raises ValueError."""
    text = read.text(name, default)
    try:
        return parse(text)
    except ValueError:
        raise SettingsError(f"{name} is [{show_invisible(text)}]; expected {expected}") from None


def parse_page(text: str) -> str:
    """Return the address of a page, or an empty text. Raises ValueError for any other text."""
    if text and not re.fullmatch(r"(https?:/)?/[^\s/]\S*", text):
        raise ValueError
    return text


def read_url(read: Reader, name: str, example: str) -> str:
    """Return the address in a setting. Raises SettingsError without the value, because it can contain a secret."""
    text = read.text(name)
    try:
        return parse_url(text)
    except ValueError:
        expected = f"an address such as {example}, without a user name or a password"
        raise SettingsError(f"{name} is invalid (its value is hidden); expected {expected}") from None


def parse_url(text: str) -> str:
    """Return an absolute address of HTTP or HTTPS in ASCII, or an empty text. Raises ValueError for any other text.

    Credentials are rejected, because logs and error messages contain the server of the address.
    """
    parts = urlsplit(text)
    if text and not (text.isascii() and parts.hostname and re.fullmatch(r"https?://[^\s#]+", text)):
        raise ValueError
    if "@" in parts.netloc:
        raise ValueError
    parts.port  # noqa: B018 - raises ValueError if the port is invalid
    return text
