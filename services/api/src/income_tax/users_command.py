"""The command `income-tax users`, which lists, adds and removes users."""

import sys
from getpass import getpass

from tax_common.secret_text import decode_secret

from .settings import Settings
from .storage.users import UsersError, add_user, read_users, remove_user

INPUT_MAX = 2**16  # maximum bytes that `users add` reads from standard input


def read_password(login: str) -> str:
    """Read the password without echo if standard input is a terminal, or else read all of standard input.

    Raises UsersError if the input is not one line of text in UTF-8.
    """
    typed = getpass(f"password of {login}: ").encode("utf-8", "surrogateescape") if sys.stdin.isatty() else None
    try:
        return decode_secret(sys.stdin.buffer.read(INPUT_MAX) if typed is None else typed)
    except ValueError as error:
        raise UsersError(f"the password of {login} cannot be used: {error}") from None


def run_users(settings: Settings, action: str, login: str | None) -> None:
    """List the users, or add or remove a user in the users file."""
    if action == "list":
        print(*read_users(settings.users_file), sep="\n")
    elif not login:
        raise UsersError(f"`users {action}` needs a login name: income-tax users {action} LOGIN")
    elif action == "add":
        add_user(settings.users_file, login, read_password(login))
    else:
        remove_user(settings.users_file, login)
