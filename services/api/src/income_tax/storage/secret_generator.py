"""The secrets of an installation, stored as files in one folder. Only missing secrets are generated."""

import secrets
from pathlib import Path

from werkzeug.security import check_password_hash

from tax_common.files import write_atomically
from tax_common.secret_text import decode_secret

from .users import UsersError, add_user, read_users

PASSWORDS = (
    *("db_owner_password", "db_root_password", "db_reader_password", "db_monitor_password"),
    "grafana_password",  # of Grafana's account `admin`
)
CLIENT = "client"
CLIENT_CREDENTIALS = "client_credentials"  # contains login:password
# Containers mount the folder of the users file. If a container mounted the file itself, it would keep the old file
# after a replacement.
USERS = Path("api") / "users"


def write_missing_secrets(folder: Path) -> None:
    """Write the missing secrets: the passwords of databases and Grafana, the client's credentials and the users file.

    Rewrite a password that has a byte order mark or CR, because the databases would not remove them.

    Only the owner can open the folder. Containers that mount its files run as other system users, so the permissions of
    the files allow all users to read them. Raises OSError if a file cannot be written, and
    UsersError if a file is invalid.
    """
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    for path in (folder / name for name in PASSWORDS):
        if not path.exists():
            write_secret(path, secrets.token_hex(16))
        elif path.read_bytes().rstrip(b"\n") != (password := read_secret(path, "password")).encode():
            write_secret(path, password)
    if not (folder / CLIENT_CREDENTIALS).exists():
        write_secret(folder / CLIENT_CREDENTIALS, f"{CLIENT}:{secrets.token_urlsafe(18)}")
    login, password = read_credentials(folder / CLIENT_CREDENTIALS)
    users = folder / USERS
    if not users.exists() or not has_login(users, login, password):
        add_user(users, login, password)
        users.parent.chmod(0o755)


def read_credentials(path: Path) -> tuple[str, str]:
    """Return the login name and password in a file. Raises UsersError if the file is not one line `login:password`."""
    login, _, password = read_secret(path, "login:password").partition(":")
    return login, password


def read_secret(path: Path, expected: str) -> str:
    """Return the one line of a file. Raises UsersError if the file is not one line of text, which `expected` names."""
    try:
        return decode_secret(path.read_bytes())
    except ValueError as error:
        raise UsersError(f"{path}: expected one line {expected}; {error}") from None


def has_login(users: Path, login: str, password: str) -> bool:
    """Return whether the users file contains this login name with this password."""
    return check_password_hash(read_users(users).get(login, ""), password)


def write_secret(path: Path, text: str) -> None:
    """Write a secret atomically. The permissions of the file allow all system users to read the file."""
    write_atomically(path, text + "\n", mode=0o644)
