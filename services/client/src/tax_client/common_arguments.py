"""The argument parser, the option types, and the options that all commands share."""

import argparse
from collections.abc import Callable
from typing import NoReturn

from tax_common import settings_reader
from tax_common.text_formatting import escape_controls

from .settings import SETTINGS


class Parser(argparse.ArgumentParser):
    """An argument parser that prints each error as one line, without the usage text."""

    def error(self, message: str) -> NoReturn:
        """Report an invalid argument and exit with code 2."""
        self.exit(2, escape_controls(f"{self.prog}: {message}: see {self.prog} --help") + "\n")


def whole(low: int, high: int) -> Callable[[str], int]:
    """Build the type of an option that takes a whole number from `low` to `high`."""
    return settings_reader.whole(low, high).build_argument_type()


def number(low: float, high: float, unit: str) -> Callable[[str], float]:
    """Build the type of an option that takes a number from `low` to `high`. Error messages name `unit`."""
    return settings_reader.number(unit, low, high).build_argument_type()


def setting_options() -> Parser:
    """Build the options that all commands share: one option for each setting, and --debug."""
    options = Parser(add_help=False, allow_abbrev=False)
    group = options.add_argument_group("settings", "An option overrides its environment variable.")
    for name, setting in SETTINGS.items():
        text = f"{setting.help} ({setting.variable}; default: {setting.default or 'none'})"
        group.add_argument("--" + name.replace("_", "-"), metavar=setting.variable, help=text)
    group.add_argument("--debug", dest="log_level", action="store_const", const="debug", help="same as LOG_LEVEL=debug")
    return options
