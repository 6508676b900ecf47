"""Typed values out of a mapping of strings, such as the environment."""

import math
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")


class SettingsError(ValueError):
    """A setting has a value that it cannot have; the text names it and what was expected."""


class Reader:
    """Reads typed values from a mapping of strings; an empty string counts as not set."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def text(self, name: str, default: str = "") -> str:
        """The text as it is."""
        return self._environment.get(name) or default

    def choice(self, name: str, *choices: str) -> str:
        """One of the choices, the first by default."""
        return self._read(name, choices[0], lambda text: choices[choices.index(text.lower())], " or ".join(choices))

    def whole(self, name: str, default: int, lowest: int, highest: int) -> int:
        """An integer within bounds."""

        def parse(text: str) -> int:
            number = int(text)
            if not lowest <= number <= highest:
                raise ValueError
            return number

        return self._read(name, str(default), parse, f"an integer from {lowest} to {highest}")

    def seconds(self, name: str, default: float, *, above_zero: bool = False) -> float:
        """A duration, not negative."""

        def parse(text: str) -> float:
            number = float(text)
            if not (math.isfinite(number) and number >= 0) or (above_zero and not number):
                raise ValueError
            return number

        expected = "a number of seconds above 0" if above_zero else "a number of seconds, 0 or more"
        return self._read(name, str(default), parse, expected)

    def secret(self, name: str) -> str:
        """The first line of the file that the setting names; nothing when it names none."""
        path = self.text(name)
        if not path:
            return ""
        try:
            lines = Path(path).read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(
                f"{name}={path}: cannot be read ({error}); expected a file with the password"
            ) from error
        if not lines or not lines[0]:
            raise SettingsError(f"{name}={path}: the file is empty; expected the password on its first line")
        return lines[0]

    def file(self, name: str) -> Path | None:
        """A file that can be read; None when the setting names none."""
        path = self.text(name)
        if path and not (Path(path).is_file() and os.access(path, os.R_OK)):
            raise SettingsError(f"{name}={path}: cannot be read; expected a file")
        return Path(path) if path else None

    def _read(self, name: str, default: str, parse: Callable[[str], T], expected: str) -> T:
        text = self.text(name, default).strip()
        try:
            return parse(text)
        except ValueError:
            raise SettingsError(f"{name} is [{text}]; expected {expected}") from None
