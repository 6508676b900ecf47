"""What the client is set to: command-line options first, then the environment, then defaults.

The only module that reads the environment.
"""

import math
import os
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from .errors import UserError

SOURCE_DATA = Path(__file__).parents[2] / "data"  # of a source checkout; elsewhere TAX_DATA tells
TIMEOUT_MAX = 3600.0


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one run; `timeout` is in seconds."""

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
    """The address of the service. Raises ValueError, without the address: someone may have put a password in it."""
    parts = urlsplit(text)
    plain = not (parts.username or parts.password or parts.query or parts.fragment) and text.isprintable()
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0 or not plain or " " in text:
        raise ValueError
    return text


def parse_ca_file(text: str) -> Path:
    """A file of certificates. Raises ValueError when it holds none that can be used."""
    try:
        ssl.create_default_context(cafile=text)
    except OSError:
        raise ValueError from None
    return Path(text)


def parse_timeout(text: str) -> float:
    """A number of seconds. Raises ValueError."""
    seconds = float(text)
    if not (math.isfinite(seconds) and 0 < seconds <= TIMEOUT_MAX):
        raise ValueError
    return seconds


def parse_whole(text: str) -> int:
    """A whole number, 0 or more. Raises ValueError."""
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise ValueError
    return int(text)


def one_of(*choices: str) -> Callable[[str], str]:
    """What reads one of the choices, in any case; it raises ValueError."""

    def parse(text: str) -> str:
        return choices[choices.index(text.lower())]

    return parse


# setting: environment variable, default, reader, what is expected
SETTINGS: dict[str, tuple[str, str | None, Callable[[str], Any], str]] = {
    "url": (
        "TAX_URL",
        "http://127.0.0.1:8000",
        parse_url,
        "http://host:port or https://host:port, without login, password or query",
    ),
    "credentials_file": ("TAX_CREDENTIALS_FILE", None, Path, "a path"),
    "ca_file": ("TAX_CA_FILE", None, parse_ca_file, "a file of certificates in PEM"),
    "log_file": ("LOG_FILE", "client.log", Path, "a path"),
    "log_format": ("LOG_FORMAT", "json", one_of("json", "text"), "json or text"),
    "log_level": (
        "LOG_LEVEL",
        "info",
        one_of("debug", "info", "warning", "error"),
        "debug, info, warning or error",
    ),
    "mask_amounts": ("MASK_AMOUNTS", "off", one_of("off", "on"), "off or on"),
    "timeout": ("TAX_TIMEOUT", "10", parse_timeout, f"a number of seconds above 0, at most {TIMEOUT_MAX:g}"),
    "data": ("TAX_DATA", str(SOURCE_DATA), Path, "a path"),
    "log_each_max": ("LOG_EACH_MAX", "100000", parse_whole, "a whole number, 0 or more"),
}


def load_settings(options: Mapping[str, Any], environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings of a run; a variable that is empty counts as not set.

    Raises UserError, which names the option or variable to correct.
    """
    values: dict[str, Any] = {}
    for name, (variable, default, parse, expected) in SETTINGS.items():
        option, inherited = options.get(name), environment.get(variable)
        source, text = (
            ("--" + name.replace("_", "-"), option) if option is not None else (variable, inherited or default)
        )
        try:
            values[name] = None if text is None else parse(text)
        except ValueError:
            found = "" if name == "url" else f", found [{text}]"
            raise UserError(f"{source}: expected {expected}{found}: correct it") from None
    return Settings(**values)
