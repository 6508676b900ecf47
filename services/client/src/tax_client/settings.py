"""The client's settings. Command-line options override environment variables, which override defaults.

No other module of the client reads environment variables.
"""

import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from tax_common.settings_reader import ValueType, choice, number, whole

from .user_errors import UserError

SAMPLE = Path(__file__).parent / "sample"  # links to services/client/data, so that a wheel contains the files
TIMEOUT_MAX = 3600.0


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one run of the client. `timeout` is in seconds."""

    url: str
    credentials_file: Path | None
    ca_file: Path | None
    log_file: Path
    log_format: str
    log_level: str
    mask_amounts: str
    timeout: float
    data: Path
    log_each_max: int


def parse_url(text: str) -> str:
    """Return `text` if it is a valid address of the service. Raises ValueError for an invalid address.

    The caller must not print an invalid address, because the address might hold a password.
    """
    parts = urlsplit(text)
    plain = not (parts.username or parts.password or parts.query or parts.fragment) and text.isprintable()
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0 or not plain or " " in text:
        raise ValueError
    return text


def parse_ca_file(text: str) -> Path:
    """Return the path of a file of certificates. Raises ValueError if the file holds no certificate."""
    try:
        ssl.create_default_context(cafile=text)
    except OSError:
        raise ValueError from None
    return Path(text)


class Setting(NamedTuple):
    """The environment variable, the default value, the value type and the help text of a setting."""

    variable: str
    default: str | None
    kind: ValueType[Any]
    help: str


PATH = ValueType(Path, "a path")
SETTINGS = {
    "url": Setting(
        "TAX_URL",
        "http://127.0.0.1:8000",
        ValueType(parse_url, "http://host:port or https://host:port, without user name, password or query"),
        "address of the tax service",
    ),
    "credentials_file": Setting("TAX_CREDENTIALS_FILE", None, PATH, "file that holds login:password on one line"),
    "ca_file": Setting(
        "TAX_CA_FILE",
        None,
        ValueType(parse_ca_file, "a PEM file that holds certificates"),
        "PEM file of certificate authorities, which the client trusts instead of the public authorities",
    ),
    "log_file": Setting("LOG_FILE", "client.log", PATH, "file to which the client appends its log lines"),
    "log_format": Setting("LOG_FORMAT", "json", choice("json", "text"), "json or text"),
    "log_level": Setting(
        "LOG_LEVEL", "info", choice("debug", "info", "warning", "error"), "debug, info, warning or error"
    ),
    "mask_amounts": Setting(
        "MASK_AMOUNTS", "off", choice("off", "on"), "on or off: whether the client masks amounts in its log"
    ),
    "timeout": Setting(
        "TAX_TIMEOUT",
        "10",
        number("seconds", 0, TIMEOUT_MAX, above=True),
        "seconds that the client waits for the server to send data",
    ),
    "data": Setting("TAX_DATA", str(SAMPLE), PATH, "folder with the sample taxpayers.txt and published.json"),
    "log_each_max": Setting(
        "LOG_EACH_MAX",
        "100000",
        whole(0),
        "if a run has more taxpayers or requests than this number, the client logs only failures one by one",
    ),
}


def load_settings(options: Mapping[str, Any], environment: Mapping[str, str] = os.environ) -> Settings:
    """Load the settings of a run. An empty environment variable counts as unset.

    Raises UserError for an invalid value. The message names the option or environment variable to correct.
    """
    values: dict[str, Any] = {}
    for name, setting in SETTINGS.items():
        source, text = setting.variable, environment.get(setting.variable) or setting.default
        if (option := options.get(name)) is not None:
            source, text = "--" + name.replace("_", "-"), option
        try:
            values[name] = None if text is None else setting.kind.parse(text)
        except ValueError:
            found = "" if name == "url" else f", found [{text}]"
            raise UserError(f"{source}: expected {setting.kind.expected}{found}: correct the value") from None
    return Settings(**values)
