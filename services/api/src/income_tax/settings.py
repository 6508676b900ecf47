"""The API's settings, and the function that reads the settings from environment variables.

`.env.example` explains the settings of the Docker stack. `docs/how-to/without-containers.md` explains the settings of
a service that runs without containers.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tax_common.settings_reader import Reader

from .alert_settings import (
    DEFAULT_LOG_FILE,
    DEFAULT_STATE_DIR,
    parse_page,
    parse_text,
    read_alert_rules,
    read_channels,
    read_deployment,
    read_mail_settings,
)
from .alerts.channel import ChannelSettings
from .alerts.deployment import Deployment
from .alerts.incident_policy import AlertRules
from .alerts.smtp_client import MailSettings
from .storage.database_connection import DatabaseAccount


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of the API."""

    account: DatabaseAccount
    db_file: Path
    db_wait: float  # seconds
    users_file: Path
    log_file: Path
    certificate_file: Path | None  # the time when the proxy's certificate expires; None: the proxy writes no such file
    proxy_trouble_file: Path | None  # the reason why the proxy could not restart; None: the proxy writes no such file
    log_format: str
    log_level: str
    log_sample: float  # share of the successful requests that are logged
    mask_amounts: bool
    sleep_time: float  # seconds
    drill_route: bool
    trusted_proxy: str  # host name or address; empty: the service trusts no proxy
    bind: str
    workers: int
    threads: int
    batch_max: int  # maximum number of households in one request
    max_requests: int  # number of requests after which a worker is replaced; 0: never
    mail: MailSettings
    state_dir: Path  # folder shared by the workers and replicas of this host
    log_max_size: int  # bytes
    log_keep: int  # number of archives kept per log
    alert_rules: AlertRules
    metrics_bind: tuple[str, int] | None  # host and port of the metrics; None: no metrics are exposed
    mail_page: str  # URL of the webmail page; empty: unknown
    deployment: Deployment
    channels: ChannelSettings
    drill: bool  # whether this start is a drill; the failure of a drill opens a separate incident

    @property
    def max_body(self) -> int:
        """The maximum size of a request body in bytes."""
        return self.batch_max * HOUSEHOLD_BYTES

    @property
    def dead_letters(self) -> Path:
        """The folder of mails that a mail server permanently refused."""
        return self.state_dir / "alerts/dead"

    @property
    def workers_folder(self) -> Path:
        """The folder of the workers' status files."""
        return self.state_dir / "workers"

    @property
    def history_folder(self) -> Path:
        """The folder of the replicas' request histories."""
        return self.state_dir / "history"

    @property
    def replicas_file(self) -> Path:
        """The file in which `make up` records the requested number of replicas. The file can be missing."""
        return self.state_dir / "replicas"


HOUSEHOLD_BYTES = 1024  # a request body can have up to BATCH_MAX times this number of bytes


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Read the settings. Raises SettingsError for the first invalid setting."""
    read = Reader(environment)
    read.check_time_zone("TZ")
    return Settings(
        account=read_account(read),
        db_file=Path(read.text("DB_FILE", "tax.sqlite")),
        db_wait=read.seconds("DB_WAIT", 30),
        users_file=Path(read.text("USERS_FILE", "users")),
        log_file=Path(read.text("LOG_FILE", DEFAULT_LOG_FILE)),
        certificate_file=Path(end) if (end := read.text("CERTIFICATE_FILE")) else None,
        proxy_trouble_file=Path(trouble) if (trouble := read.text("PROXY_TROUBLE_FILE")) else None,
        log_format=read.choice("LOG_FORMAT", "json", "text"),
        log_level=read.choice("LOG_LEVEL", "info", "debug", "warning", "error"),
        log_sample=read.share("LOG_SAMPLE", 1),
        mask_amounts=read.choice("MASK_AMOUNTS", "off", "on") == "on",
        sleep_time=read.seconds("SLEEP_TIME", 0, 3600),
        drill_route=read.choice("DRILL_ROUTE", "off", "on") == "on",
        trusted_proxy=read.text("TRUSTED_PROXY"),
        bind=read.text("BIND", "127.0.0.1:8000"),
        workers=read.whole("WORKERS", 2, 1, 256),
        threads=read.whole("THREADS", 8, 2, 1024),
        batch_max=read.whole("BATCH_MAX", 10_000, 1, 1_000_000),
        max_requests=read.whole("MAX_REQUESTS", 0, 0, 10**9),
        mail=read_mail_settings(read),
        state_dir=Path(read.text("STATE_DIR", DEFAULT_STATE_DIR)),
        log_max_size=read.whole("LOG_MAX_SIZE", 64, 1, 100_000) << 20,
        log_keep=read.whole("LOG_KEEP", 4, 1, 1000),
        alert_rules=read_alert_rules(read),
        metrics_bind=parse_text(read, "METRICS_BIND", "", parse_listener, "an address and port such as 127.0.0.1:9100"),
        mail_page=parse_text(read, "MAIL_PAGE", "", parse_page, "an address such as https://mail.example.org/"),
        deployment=read_deployment(read),
        channels=read_channels(read),
        drill=read.choice("ALERT_DRILL", "off", "on") == "on",
    )


def read_account(read: Reader) -> DatabaseAccount:
    """Read the settings of the database account. Raises SettingsError for the first invalid setting."""
    return DatabaseAccount(
        host=read.text("DB_HOST", "127.0.0.1"),
        port=read.whole("DB_PORT", 0, 0, 65535) or None,
        name=read.text("DB_NAME", "tax"),
        user=read.text("DB_USER", "tax_reader"),
        password=read.secret("DB_PASSWORD_FILE"),
    )


def parse_listener(text: str) -> tuple[str, int] | None:
    """Return the host and the port of an address such as 127.0.0.1:9100. Raises ValueError for any other text."""
    host, _, port = text.rpartition(":")
    if not text:
        return None
    if not host or not (port.isascii() and port.isdigit() and 1 <= int(port[:6]) <= 65535):
        raise ValueError
    return host.removeprefix("[").removesuffix("]"), int(port)
