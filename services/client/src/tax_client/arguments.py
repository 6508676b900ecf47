"""What the command lines of all commands have in common: the parser, its readers, the options of the settings."""

import argparse
import math
from collections.abc import Callable
from typing import NoReturn

from tax_common.text import escape_controls

from .settings import SETTINGS

SETTING_HELP = {
    "url": "address of the tax service",
    "credentials_file": "file that holds login:password",
    "ca_file": "certificates of the authorities that vouch for an https server, in PEM, in place of the public ones",
    "log_file": "file the log lines are appended to",
    "log_format": "json or text",
    "log_level": "debug, info, warning or error",
    "mask_amounts": "on: amounts in the log are hidden; off: they are not",
    "timeout": "longest silence of the server, in seconds",
    "data": "folder of the sample taxpayers.txt and published.json",
    "log_each_max": "above that many taxpayers or requests none has log lines of its own, but for failures",
}


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one sentence."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the arguments and exit 2."""
        self.exit(2, escape_controls(f"{self.prog}: {message}: see {self.prog} --help") + "\n")


def whole(low: int, high: int) -> Callable[[str], int]:
    """What reads a whole number between two limits, for argparse."""

    def parse(text: str) -> int:
        if text.isascii() and text.isdigit() and len(text) <= len(str(high)) and low <= int(text) <= high:
            return int(text)
        raise argparse.ArgumentTypeError(f"expected a whole number from {low} to {high}, found [{text}]")

    return parse


def number(low: float, high: float, unit: str) -> Callable[[str], float]:
    """What reads a number between two limits, for argparse; `unit` says of what."""

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if low <= value <= high:
            return value
        raise argparse.ArgumentTypeError(f"expected a number of {unit} from {low:g} to {high:g}, found [{text}]")

    return parse


def setting_options() -> Parser:
    """The options that all commands have: one a setting."""
    options = Parser(add_help=False, allow_abbrev=False)
    group = options.add_argument_group("settings", "An option overrides its environment variable.")
    for name, (variable, default, _parse, _expected) in SETTINGS.items():
        text = f"{SETTING_HELP[name]} ({variable}; default: {default or 'none'})"
        group.add_argument("--" + name.replace("_", "-"), metavar=variable, help=text)
    group.add_argument("--debug", dest="log_level", action="store_const", const="debug", help="same as LOG_LEVEL=debug")
    return options
