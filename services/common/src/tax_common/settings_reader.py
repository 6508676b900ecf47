"""Parsers and error messages for the typed values of settings and command-line options."""

import argparse
import math
import os
import re
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar
from zoneinfo import TZPATH

from .secret_text import decode_secret

T = TypeVar("T")
# A time zone as a rule of POSIX.1-2024, section 8.3: a name, the offset from UTC, and optional rules of summer time.
POSIX_ZONE = re.compile(
    r"([A-Za-z]{3,}|<[A-Za-z0-9+-]{3,}>)[+-]?([01]?\d|2[0-4])(:\d\d){0,2}([A-Za-z<][A-Za-z0-9<>+:,./-]*)?"
)
DECIMAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)


class SettingsError(ValueError):
    """A setting has an invalid value. The message names the setting and the expected values."""


@dataclass(frozen=True, slots=True)
class ValueType(Generic[T]):
    """The type of a setting or option. `parse` raises ValueError for invalid text. `expected` describes valid text."""

    parse: Callable[[str], T]
    expected: str

    def build_argument_type(self) -> Callable[[str], T]:
        """Build the `type` function of an argparse option."""

        def parse(text: str) -> T:
            try:
                return self.parse(text)
            except ValueError:
                raise argparse.ArgumentTypeError(f"expected {self.expected}, found [{text}]") from None

        return parse


def choice(*choices: str) -> ValueType[str]:
    """Build a type that accepts one of the choices in upper or lower case, and returns the choice in lower case."""
    *others, last = choices
    return ValueType(lambda text: choices[choices.index(text.strip().lower())], f"{', '.join(others)} or {last}")


def whole(low: int, high: int | None = None) -> ValueType[int]:
    """Build the type of a whole number from `low` to `high`, in ASCII digits.

    If `high` is None, the number can have up to 18 digits.
    """
    highest = 10**18 - 1 if high is None else high

    def parse(text: str) -> int:
        if text.isascii() and text.isdigit() and len(text) <= len(str(highest)) and low <= int(text) <= highest:
            return int(text)
        raise ValueError

    return ValueType(parse, "a whole number" + (f", {low} or more" if high is None else f" from {low} to {high}"))


def number(unit: str, low: float = 0.0, high: float = math.inf, *, above: bool = False) -> ValueType[float]:
    """Build the type of a finite number from `low` to `high`. `above` excludes `low`. Error messages name `unit`."""

    def parse(text: str) -> float:
        value = float(text) if DECIMAL.fullmatch(text.strip()) else math.nan
        if math.isfinite(value) and (low < value if above else low <= value) and value <= high:
            return value
        raise ValueError

    return ValueType(parse, f"a number of {unit}" + describe_bounds(low, high, above))


def share() -> ValueType[float]:
    """Build the type of a number from 0 to 1."""
    return ValueType(number("", 0, 1).parse, "a number from 0 to 1")


def describe_bounds(low: float, high: float, above: bool) -> str:
    """Return the end of an error message, which describes the bounds of a number."""
    if above:
        return f" above {low:g}" + (f", at most {high:g}" if high < math.inf else "")
    return f" from {low:g} to {high:g}" if high < math.inf else f", {low:g} or more"


def parse_time_zone(text: str) -> str:
    """Return the time zone if it is a name, the path of a file or a rule of POSIX. Raises ValueError otherwise."""
    name = text.removeprefix(":")
    if name in ("UTC", "GMT") or POSIX_ZONE.fullmatch(text) or any(is_zone_file(Path(f, name)) for f in TZPATH):
        return text
    raise ValueError


def is_zone_file(path: Path) -> bool:
    """Return whether the file contains a compiled time zone (RFC 8536)."""
    try:
        with path.open("rb") as file:
            return file.read(4) == b"TZif"
    except OSError:
        return False


class Reader:
    """A reader of typed values from a mapping of strings, such as the environment. An empty string counts as missing.

    The methods raise SettingsError if a value is invalid.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def text(self, name: str, default: str = "") -> str:
        """Return the value unchanged, or the default if the setting is missing."""
        return self._environment.get(name) or default

    def choice(self, name: str, *choices: str) -> str:
        """Return the value, which must be one of the choices. The first choice is the default."""
        return self._parse(name, choices[0], choice(*choices))

    def whole(self, name: str, default: int, low: int, high: int) -> int:
        """Return the value, which must be a whole number from `low` to `high`."""
        return self._parse(name, default, whole(low, high))

    def seconds(self, name: str, default: float, high: float = math.inf, *, above_zero: bool = False) -> float:
        """Return a duration in seconds from 0 to `high`. With `above_zero`, it must be above 0."""
        return self._parse(name, default, number("seconds", 0, high, above=above_zero))

    def share(self, name: str, default: float) -> float:
        """Return a number from 0 to 1."""
        return self._parse(name, default, share())

    def check_time_zone(self, name: str) -> None:
        """Check that the C library finds the time zone. Otherwise it would use UTC without an error.

        Blanks are not ignored, because the C library reads the setting itself.
        """
        text = self.text(name, "UTC")
        try:
            parse_time_zone(text)
        except ValueError:
            raise SettingsError(f"{name} is [{text}]; expected a time zone such as Europe/Paris") from None

    def secret(self, name: str) -> str:
        """Return the password in the file that the setting names, or an empty string if the setting is empty."""
        path = self.text(name)
        if not path:
            return ""
        try:
            return decode_secret(Path(path).read_bytes())
        except OSError as error:
            raise SettingsError(
                f"{name}={path}: cannot be read ({error}); expected a file that contains the password"
            ) from error
        except ValueError as error:
            raise SettingsError(f"{name}={path}: expected a file that contains only the password; {error}") from None

    def certificates(self, name: str) -> Path | None:
        """Return the path of the file of certificates that the setting names, or None if the setting is empty."""
        path = self.text(name)
        if path and not (Path(path).is_file() and os.access(path, os.R_OK)):
            raise SettingsError(f"{name}={path}: cannot be read; expected a readable file")
        try:
            return Path(path) if path and ssl.create_default_context(cafile=path) else None
        except ssl.SSLError:
            raise SettingsError(f"{name}={path}: contains no certificate; expected certificates in PEM") from None

    def _parse(self, name: str, default: Any, kind: ValueType[T]) -> T:
        text = self.text(name, str(default)).strip()
        try:
            return kind.parse(text)
        except ValueError:
            raise SettingsError(f"{name} is [{text}]; expected {kind.expected}") from None
