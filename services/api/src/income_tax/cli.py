"""The command `income-tax`. Its subcommands start the API or administer the service."""

import argparse
import json
import os
import sys
from pathlib import Path
from typing import NoReturn

from sqlalchemy.exc import SQLAlchemyError

from tax_common.settings_reader import SettingsError, number

from . import __version__, exit_codes
from .exit_codes import fail
from .households.expected_results import (
    WorkloadError,
    generate_households,
    parse_years,
    read_households,
    read_schedules,
    write_workload,
)
from .log_rotation import rotate, rotate_forever
from .settings import Settings, read_settings
from .storage.database_connection import DatabaseError, wait_for_database
from .storage.database_seed import SCHEDULES, TAX_DATA, seed_database
from .storage.schedule_tables import fetch_schedules
from .storage.secret_generator import write_missing_secrets
from .storage.users import UsersError
from .tax.brackets import ScheduleError
from .users_command import run_users

DATABASES = {"sqlite": "sqlite", "postgres": "postgres", "pgres": "postgres", "mysql": "mysql"}


class Parser(argparse.ArgumentParser):
    """An argument parser that exits with EX_USAGE of sysexits.h after a usage error."""

    def error(self, message: str) -> NoReturn:
        """Print the usage and the error, and exit with code 64."""
        self.print_usage(sys.stderr)
        self.exit(exit_codes.USAGE, f"{self.prog}: {message}\n")


def build_parser() -> Parser:
    """Build the command-line parser."""
    parser = Parser(prog="income-tax", description="French income tax API. Settings come from the environment.")
    parser.add_argument("--version", action="version", version=f"income-tax {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, database in DATABASES.items():
        commands.add_parser(name, help=f"start the API with tax data from {database}").set_defaults(database=database)
    commands.add_parser("check", help="check the settings without using them")
    seed = commands.add_parser("seed", help="write the schema and the tax data to a database (idempotent)")
    seed.add_argument("database", choices=DATABASES)
    folder = "folder that contains schema.sql and schedules.json (default: the files of the package)"
    seed.add_argument("folder", nargs="?", type=Path, default=TAX_DATA, help=folder)
    seed.add_argument("--force", action="store_true", help="write the data even if the same file was written before")
    seed.add_argument("--figures", metavar="-", choices=["-"], help="read stdin instead of schedules.json")
    dump = commands.add_parser("dump", help="print the tax data of a database in the format that `seed` reads")
    dump.add_argument("database", choices=DATABASES)
    reload = commands.add_parser("reload", help="make all processes on this host read the schedules of a database")
    reload.add_argument("database", choices=DATABASES)
    reload.add_argument("--refused", metavar="WHY", help="only send an alert that the reload failed for this reason")
    users = commands.add_parser("users", help="list the users, or add or remove a user; `add` reads a password")
    users.add_argument("action", choices=["list", "add", "remove"])
    users.add_argument("login", nargs="?")
    rotate = commands.add_parser("rotate", help="in a folder, archive each log that is larger than LOG_MAX_SIZE")
    rotate.add_argument("folder", type=Path)
    mode = rotate.add_mutually_exclusive_group()
    seconds = number("seconds", above=True).build_argument_type()
    mode.add_argument("--every", type=seconds, metavar="SECONDS", help="rotate at this interval until a signal arrives")
    mode.add_argument("--now", action="store_true", help="archive the logs regardless of their size")
    rotate.add_argument("--alive", type=Path, metavar="FILE", help="with --every, touch FILE after each rotation")
    add_expected(commands)
    secrets = commands.add_parser("secrets", help="create the secret files that are missing in a folder")
    secrets.add_argument("folder", type=Path)
    return parser


def add_expected(commands: "argparse._SubParsersAction[Parser]") -> None:
    """Add the command `expected` to the parser."""
    expected = commands.add_parser("expected", help="print requests and their expected answers for `tax-client flood`")
    source = expected.add_mutually_exclusive_group(required=True)
    source.add_argument(
        "file", nargs="?", type=Path, metavar="FILE", help="output of `tax-client households`; - is stdin"
    )
    source.add_argument("--households", type=int, metavar="N", help="number of random households")
    expected.add_argument("--seed", type=int, help="seed that makes the households reproducible")
    expected.add_argument("--years", metavar="YEARS", help="years of the households, e.g. 2018-2025,v7 (default: all)")
    schedules = "schedules.json with the tax data (default: the file of the package)"
    expected.add_argument("--schedules", type=Path, default=TAX_DATA / SCHEDULES, metavar="FILE", help=schedules)


def run_seed(settings: Settings, arguments: argparse.Namespace) -> None:
    """Write the schema and the tax data to the database. Retry while the database is starting."""
    from .bootstrap.service_builders import build_engine  # noqa: PLC0415 - so that other commands do not load the web framework

    engine = build_engine(settings, DATABASES[arguments.database], writable=True)
    figures = sys.stdin.buffer.read() if arguments.figures else None
    written = wait_for_database(
        lambda: seed_database(engine, arguments.folder, figures, arguments.force), settings.db_wait
    )
    print(f"tax data in {arguments.database}: " + ("written" if written else "unchanged"))


def run_dump(settings: Settings, database: str) -> None:
    """Print the tax data of the database."""
    from .bootstrap.service_builders import build_engine  # noqa: PLC0415 - so that other commands do not load the web framework

    engine = build_engine(settings, database)
    data = wait_for_database(lambda: fetch_schedules(engine), settings.db_wait)
    print(json.dumps(data, indent=2, ensure_ascii=False))


def run_rotate(settings: Settings, arguments: argparse.Namespace) -> None:
    """Rotate the logs once. If `--every` is set, rotate the logs repeatedly."""
    if arguments.every is not None:
        rotate_forever(arguments.folder, settings.log_max_size, settings.log_keep, arguments.every, arguments.alive)
    rotation = rotate(arguments.folder, -1 if arguments.now else settings.log_max_size, settings.log_keep)
    for log in rotation.rotated:
        print(f"rotated {log}")
    if rotation.errors:
        fail("; ".join(rotation.errors), exit_codes.LOG)


def run_expected(arguments: argparse.Namespace) -> None:
    """Print requests and their expected answers. The households are random if no file is given."""
    schedules = read_schedules(arguments.schedules)
    if arguments.file:
        if arguments.years is not None or arguments.seed is not None:
            raise WorkloadError("--years and --seed need random households: omit these options, or omit FILE")
        questions = read_households(arguments.file)
    else:
        years = parse_years(arguments.years, schedules)
        questions = generate_households(arguments.households, arguments.seed, years)
    write_workload(questions, schedules)


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    if arguments.command == "secrets":
        write_missing_secrets(arguments.folder)
    elif arguments.command == "expected":
        run_expected(arguments)
    else:
        run_with_settings(read_settings(os.environ), arguments)


def run_with_settings(settings: Settings, arguments: argparse.Namespace) -> None:
    """Run a command that needs settings."""
    if arguments.command == "users":
        run_users(settings, arguments.action, arguments.login)
    elif arguments.command == "rotate":
        run_rotate(settings, arguments)
    elif arguments.command == "seed":
        run_seed(settings, arguments)
    elif arguments.command == "dump":
        run_dump(settings, DATABASES[arguments.database])
    elif arguments.command == "reload":
        from .schedule_reload import reload  # noqa: PLC0415 - so that other commands do not load the web framework

        reload(settings, DATABASES[arguments.database], arguments.refused)
    elif arguments.command == "check":
        from .startup_checks import describe_thread_excess, read_thread_limit  # noqa: PLC0415 - it loads the web server

        if sentence := describe_thread_excess(settings.workers, settings.threads, read_thread_limit()):
            fail(sentence, exit_codes.USAGE)
    else:
        from .startup import serve  # noqa: PLC0415 - so that other commands do not load the web framework

        serve(settings, arguments.database)


def main() -> None:
    """Run the command. After an error, print one message on stderr and exit with an error code."""
    try:
        run(build_parser().parse_args())
    except (WorkloadError, SettingsError, UsersError) as error:
        fail(str(error), exit_codes.USAGE)
    except (DatabaseError, ScheduleError, SQLAlchemyError) as error:
        fail(str(error), exit_codes.DATABASE)
    except BrokenPipeError:  # the reader of the output, such as `head`, has exited
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(exit_codes.BROKEN_PIPE)
    except OSError as error:
        fail(f"{error.filename or 'standard output'}: {error.strerror}", exit_codes.LOG)
