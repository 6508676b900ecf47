"""The syntax of the command."""

import argparse
import sys
from pathlib import Path
from typing import NoReturn

from . import __version__, exit_codes
from .households.workload_generator import SCHEDULES_FILE

DATABASES = {"sqlite": "sqlite", "postgres": "postgres", "pgres": "postgres", "mysql": "mysql"}


class Parser(argparse.ArgumentParser):
    """An argument parser that leaves with the code that sysexits.h has for wrong usage."""

    def error(self, message: str) -> NoReturn:
        """Print the syntax and what is wrong, exit 64."""
        self.print_usage(sys.stderr)
        self.exit(exit_codes.USAGE, f"{self.prog}: {message}\n")


def parser() -> Parser:
    """The syntax."""
    top = Parser(prog="income-tax", description="French income tax over HTTP. Settings come from the environment.")
    top.add_argument("--version", action="version", version=f"income-tax {__version__}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, database in DATABASES.items():
        commands.add_parser(name, help=f"serve, with the tax data of {database}").set_defaults(database=database)
    seed = commands.add_parser("seed", help="bring a database to the schema and tax data of a folder; safe to repeat")
    seed.add_argument("database", choices=DATABASES)
    seed.add_argument("folder", type=Path, help="the folder that holds schema.sql and schedules.json")
    seed.add_argument("--force", action="store_true", help="write the figures even if they were written before")
    seed.add_argument("--figures", metavar="-", choices=["-"], help="take the figures from standard input instead")
    dump = commands.add_parser("dump", help="print the tax data of a database, as `seed --figures -` takes it")
    dump.add_argument("database", choices=DATABASES)
    reload = commands.add_parser("reload", help="let all processes of this host take in the schedules of a database")
    reload.add_argument("database", choices=DATABASES)
    reload.add_argument("--refused", metavar="WHY", help="it was not given them: tell the administrator")
    users = commands.add_parser("users", help="list the users, add one (its password is read from stdin), remove one")
    users.add_argument("action", choices=["list", "add", "remove"])
    users.add_argument("login", nargs="?")
    rotate = commands.add_parser("rotate", help="set aside the logs of a folder that have grown too large")
    rotate.add_argument("folder", type=Path)
    how = rotate.add_mutually_exclusive_group()
    how.add_argument("--every", type=seconds, metavar="SECONDS", help="again and again, until it is told to stop")
    how.add_argument("--now", action="store_true", help="whatever their size")
    rotate.add_argument("--alive", type=Path, metavar="FILE", help="with --every: touch it after each look")
    add_expected(commands)
    secrets = commands.add_parser("secrets", help="write the secrets that are missing in a folder")
    secrets.add_argument("folder", type=Path)
    return top


def seconds(text: str) -> float:
    """A number of seconds above 0."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a number of seconds above 0, found [{text}]")
    return number


def add_expected(commands: "argparse._SubParsersAction[Parser]") -> None:
    """The syntax of `expected`."""
    expected = commands.add_parser("expected", help="print questions with their right answers, for `tax-client flood`")
    source = expected.add_mutually_exclusive_group(required=True)
    source.add_argument(
        "file", nargs="?", type=Path, metavar="FILE", help="what `tax-client households` printed; - for stdin"
    )
    source.add_argument("--households", type=int, metavar="N", help="so many households at random")
    expected.add_argument("--seed", type=int, help="the same households each time (default: others)")
    expected.add_argument("--years", metavar="YEARS", help="of random households, as in 2018-2025,v7 (default: all)")
    expected.add_argument("--schedules", type=Path, default=SCHEDULES_FILE, metavar="FILE", help="default: %(default)s")
