"""The users of the API, in a file of `login:hash` lines. Each hash is a scrypt hash (RFC 7914) in werkzeug's format."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
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
PASSWORD_MAX = 4096  # bytes; a longer password could exceed the maximum length of a request's header
MEMORY_MAX = 64 << 20  # maximum bytes of memory per password check; hashes of `users add` need half as much


class UsersError(ValueError):
    """The users file, a login name or a password is invalid. The message describes the error."""


@dataclass(frozen=True, slots=True)
class UsersFile:
    """The hash of each login name in the order of the file, and an error message about each invalid line."""

    hashes: dict[str, str]
    errors: list[str]


def parse_users(path: Path) -> UsersFile:
    """Parse the file and skip its invalid lines. Raises OSError if the file cannot be read.

    Raises UsersError if no line is valid, although the file has lines.
    """
    users = UsersFile({}, [])
    text = path.read_bytes().decode("utf-8-sig", "replace")  # a line that is not UTF-8 is invalid
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        login, _, digest = line.strip().partition(":")
        if LOGIN.fullmatch(login) and is_valid_hash(digest):
            users.hashes[login] = digest
        else:
            users.errors.append(f"{path}, line {number}: expected login:scrypt hash, as `users add` writes it")
    if users.errors and not users.hashes:
        raise UsersError(users.errors[0])
    return users


def read_users(path: Path) -> dict[str, str]:
    """Return a mapping from each login name to its hash, in the order of the file.

    Raises OSError if the file cannot be read, and UsersError if a line is not `login:hash` in UTF-8.
    """
    users = parse_users(path)
    if users.errors:
        raise UsersError(users.errors[0])
    return users.hashes


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
    is_good_length = len(password) >= PASSWORD_MIN and len(password.encode()) <= PASSWORD_MAX
    if not is_good_length or has_control_characters(password):
        problem = f"the password of {login} is too short, too long or has control characters"
        length = f"at least {PASSWORD_MIN} characters and at most {PASSWORD_MAX} bytes"
        raise UsersError(f"{problem}: choose {length}, without control characters")
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
    """The users of the API. The file is reloaded when it changes. The constructor raises OSError or UsersError.

    If a line becomes invalid later, all processes skip it, and the other lines remain valid. A removed user is
    therefore rejected by every process. If the file is missing or has no valid line, the previous users remain.
    """

    def __init__(self, path: Path) -> None:
        read_users(path)  # at the start, every line must be valid
        self._file = ReloadingFile(path, parse_users, lambda _: None, interval=LOOK_EVERY)

    def find_hash(self, login: str) -> str | None:
        """Return the stored hash of a login name, or None if no user has the name."""
        return self._file.get().hashes.get(login)

    def find_trouble(self) -> str | None:
        """Return the reason why some users cannot log in or the file cannot be read, or None."""
        errors = self._file.get().errors
        reason = self._file.error or (errors[0] if errors else None)
        return reason and f"the users file cannot be used as a whole: {reason}"
