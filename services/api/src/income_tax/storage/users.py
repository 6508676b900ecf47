"""The users of the API, in a file of `login:hash` lines. Each hash is a scrypt hash (RFC 7914) in werkzeug's format."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from werkzeug.security import generate_password_hash

from tax_common.files import hold_lock, write_atomically
from tax_common.reloading_file import ReloadingFile
from tax_common.secret_text import has_control_characters, normalize_secret
from tax_common.text_formatting import escape_controls

LOOK_EVERY = 0.005  # minimum seconds between two checks of the file for changes
LOGIN = re.compile(r"[A-Za-z0-9._@-]{1,64}")
HASH = re.compile(r"scrypt:(\d{1,8}):(\d{1,4}):(\d{1,4})\$[^$\s]+\$[0-9a-f]{128}")  # n, r, p, salt, 64 bytes
PASSWORD_MIN = 8  # characters, as NIST SP 800-63B requires
MEMORY_MAX = 64 << 20  # maximum bytes of memory per password check; hashes of `users add` need half as much


class UsersError(ValueError):
    """The users file, a login name or a password is invalid. The message describes the error."""


def read_users(path: Path) -> dict[str, str]:
    """Return a mapping from each login name to its hash, in the order of the file.

    Raises OSError if the file cannot be read, and UsersError if the text is not UTF-8 or a line is not `login:hash`.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise UsersError(f"{path}: expected UTF-8 text, as `users add` writes it") from None
    users = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        login, colon, digest = line.strip().partition(":")
        if not (LOGIN.fullmatch(login) and colon and is_valid_hash(digest)):
            raise UsersError(f"{path}, line {number}: expected login:scrypt hash, as `users add` writes it")
        users[login] = digest
    return users


def is_valid_hash(text: str) -> bool:
    """Return whether the text is a scrypt hash with a memory cost of at most MEMORY_MAX."""
    found = HASH.fullmatch(text)
    if not found:
        return False
    n, r, p = map(int, found.groups())
    return n > 1 and n & (n - 1) == 0 and 0 < 128 * n * r * p <= MEMORY_MAX


def add_user(path: Path, login: str, password: str) -> None:
    """Add a user, or replace the password of an existing user.

    Raises UsersError if the login name or password is invalid, and OSError if the file cannot be written.
    """
    password = normalize_secret(password)
    # A login name that begins with a dash would look like an option of a command.
    if not LOGIN.fullmatch(login) or login.startswith("-"):
        expected = "1 to 64 ASCII letters, digits or . _ @ -, without - at the beginning"
        raise UsersError(f"the login name is [{escape_controls(login)}]: choose {expected}")
    if len(password) < PASSWORD_MIN or has_control_characters(password):
        problem = f"the password of {login} is too short or has control characters"
        raise UsersError(f"{problem}: choose at least {PASSWORD_MIN} characters, without control characters")
    with edit_users(path) as users:
        users[login] = generate_password_hash(password, method="scrypt")


def remove_user(path: Path, login: str) -> None:
    """Remove a user. Raises UsersError if no user has this login name."""
    with edit_users(path) as users:
        if users.pop(login, None) is None:
            raise UsersError(f"no user {login} in {path}")


@contextmanager
def edit_users(path: Path) -> Iterator[dict[str, str]]:
    """Yield the users in a dict that the caller can change. Then save the dict. A lock prevents concurrent edits."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with hold_lock(path.parent):
        users = read_users(path) if path.exists() else {}
        yield users
        lines = "".join(f"{login}:{digest}\n" for login, digest in users.items())
        write_atomically(path, lines, mode=0o644)  # the system user of the service must be able to read the file


class Users:
    """The users of the API. The file is reloaded when it changes. If the file is invalid, the previous users remain.

    `on_trouble` receives the reason once for each invalid version of the file. The constructor raises OSError or
    UsersError if the file is invalid.
    """

    def __init__(self, path: Path, on_trouble: Callable[[str], object]) -> None:
        self._file = ReloadingFile(path, read_users, on_trouble, interval=LOOK_EVERY)

    def find_hash(self, login: str) -> str | None:
        """Return the stored hash of a login name, or None if no user has the name."""
        return self._file.get().get(login)
