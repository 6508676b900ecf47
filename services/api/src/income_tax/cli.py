"""The command: `income-tax sqlite|postgres|mysql` serves; its other commands prepare that, and look after it."""

import argparse
import json
import os
import sys
from getpass import getpass

from sqlalchemy.exc import SQLAlchemyError

from . import exit_codes
from .arguments import DATABASES, parser
from .env_reader import SettingsError
from .exit_codes import fail
from .households.workload_generator import (
    WorkloadError,
    generate_households,
    parse_years,
    read_households,
    read_schedules,
    write_workload,
)
from .log_rotation import rotate, rotate_for_ever
from .settings import Settings, read_settings
from .storage.database import DatabaseError, retry
from .storage.database_seed import write_all
from .storage.schedule_tables import fetch
from .storage.secret_files import write_missing
from .storage.users import UsersError, add_user, read_users, remove_user
from .tax.brackets import ScheduleError


def read_password(login: str) -> str:
    """The password from a terminal, not shown, or the first line of standard input."""
    return getpass(f"password of {login}: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")


def run_users(settings: Settings, action: str, login: str | None) -> None:
    """List, add or remove users of the users file."""
    if action == "list":
        print(*read_users(settings.users_file), sep="\n")
    elif not login:
        raise UsersError(f"`users {action}` needs a login")
    elif action == "add":
        add_user(settings.users_file, login, read_password(login))
    else:
        remove_user(settings.users_file, login)


def run_seed(settings: Settings, arguments: argparse.Namespace) -> None:
    """Write schema and tax data to the database, waiting for one that is still coming up."""
    from .bootstrap import build_engine  # noqa: PLC0415 - the other commands need no web framework

    engine = build_engine(settings, DATABASES[arguments.database], writable=True)
    figures = sys.stdin.buffer.read() if arguments.figures else None
    written = retry(lambda: write_all(engine, arguments.folder, figures, arguments.force), settings.db_wait)
    print(f"tax data in {arguments.database}: " + ("written" if written else "as before"))


def run_dump(settings: Settings, database: str) -> None:
    """Print the tax data of the database."""
    from .bootstrap import build_engine  # noqa: PLC0415 - the other commands need no web framework

    engine = build_engine(settings, database)
    print(json.dumps(retry(lambda: fetch(engine), settings.db_wait), indent=2, ensure_ascii=False))


def run_rotate(settings: Settings, arguments: argparse.Namespace) -> None:
    """Rotate once, or for ever."""
    if arguments.every is not None:
        rotate_for_ever(arguments.folder, settings.log_max_size, settings.log_keep, arguments.every, arguments.alive)
    done = rotate(arguments.folder, -1 if arguments.now else settings.log_max_size, settings.log_keep)
    for log in done.rotated:
        print(f"rotated {log}")
    if done.troubles:
        fail("; ".join(done.troubles), exit_codes.LOG)


def run_expected(arguments: argparse.Namespace) -> None:
    """Print the questions and answers of a file, or of random households."""
    schedules = read_schedules(arguments.schedules)
    if arguments.file:
        if arguments.years is not None or arguments.seed is not None:
            raise WorkloadError("--years and --seed are about households at random: leave them out with a file")
        questions = read_households(arguments.file)
    else:
        years = parse_years(arguments.years, schedules)
        questions = generate_households(arguments.households, arguments.seed, years)
    write_workload(questions, schedules)


def run(arguments: argparse.Namespace) -> None:
    """Do what the command line asks for."""
    if arguments.command == "secrets":
        write_missing(arguments.folder)
    elif arguments.command == "users":
        run_users(read_settings(os.environ), arguments.action, arguments.login)
    elif arguments.command == "rotate":
        run_rotate(read_settings(os.environ), arguments)
    elif arguments.command == "expected":
        run_expected(arguments)
    elif arguments.command == "seed":
        run_seed(read_settings(os.environ), arguments)
    elif arguments.command == "dump":
        run_dump(read_settings(os.environ), DATABASES[arguments.database])
    else:
        from . import startup  # noqa: PLC0415 - the other commands need no web framework

        if arguments.command == "reload":
            startup.reload(read_settings(os.environ), DATABASES[arguments.database], arguments.refused)
        else:
            startup.serve(read_settings(os.environ), arguments.database)


def main() -> None:
    """Run the command; errors are one sentence on stderr and an exit code."""
    try:
        run(parser().parse_args())
    except (WorkloadError, SettingsError, UsersError) as error:
        fail(str(error), exit_codes.USAGE)
    except (DatabaseError, ScheduleError, SQLAlchemyError) as error:
        fail(str(error), exit_codes.DATABASE)
    except BrokenPipeError:  # who read what was printed has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(exit_codes.BROKEN_PIPE)
    except OSError as error:
        fail(f"{error.filename or 'standard output'}: {error.strerror}", exit_codes.LOG)
