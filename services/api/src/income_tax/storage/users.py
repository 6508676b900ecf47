"""The users of the API: a file of `login:hash` lines, hashes by scrypt (RFC 7914) in werkzeug's form."""

import fcntl
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from werkzeug.security import generate_password_hash

from tax_common.atomic_write import write_atomically

LOOK_EVERY = 0.005  # seconds: soon enough for who changed the file, and few looks in a flood
LOGIN = re.compile(r"[A-Za-z0-9._@-]{1,64}")
HASH = re.compile(r"scrypt:(\d{1,8}):(\d{1,4}):(\d{1,4})\$[^$\s]+\$[0-9a-f]{128}")  # n, r, p, salt, 64 bytes
MOST_MEMORY = 64 << 20  # bytes for one check: twice what `users add` asks for


class UsersError(ValueError):
    """The users file or a login is not as expected; the text says what was."""


def read_users(path: Path) -> dict[str, str]:
    """Login to hash, in the file's order.

    Raises OSError when the file cannot be read, UsersError when it is not UTF-8 or a line is not `login:hash`.
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
        if not (LOGIN.fullmatch(login) and colon and is_hash(digest)):
            raise UsersError(f"{path}, line {number}: expected login:scrypt hash, as `users add` writes it")
        users[login] = digest
    return users


def is_hash(text: str) -> bool:
    """Whether a password can be checked against it: one that fails, or fails fast, would tell that the login exists."""
    found = HASH.fullmatch(text)
    if not found:
        return False
    n, r, p = map(int, found.groups())
    return n > 1 and n & (n - 1) == 0 and 0 < 128 * n * r * p <= MOST_MEMORY


def add_user(path: Path, login: str, password: str) -> None:
    """Write the user, in place of one of the same login.

    Raises UsersError when the login or the password cannot be used, OSError when the file cannot be written.
    """
    if not LOGIN.fullmatch(login):
        raise UsersError("a login is 1 to 64 letters, digits or . _ @ -")
    if not password:
        raise UsersError("a password has at least one character")
    with editing(path) as users:
        users[login] = generate_password_hash(password, method="scrypt")


def remove_user(path: Path, login: str) -> None:
    """Take the user away; UsersError when there is none of that login."""
    with editing(path) as users:
        if users.pop(login, None) is None:
            raise UsersError(f"no user {login} in {path}")


@contextmanager
def editing(path: Path) -> Iterator[dict[str, str]]:
    """The users to change; one editor at a time, and a reader sees the old file or the new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        users = read_users(path) if path.exists() else {}
        yield users
        lines = "".join(f"{login}:{digest}\n" for login, digest in users.items())
        write_atomically(path, lines, mode=0o644)  # the service's own account reads it; the folder around it is private
    finally:
        os.close(folder)


class Users:
    """The users as the file has them now: read again when the file has changed, kept when it cannot be read.

    `on_trouble` is told why, once. Raises OSError or UsersError when there is no good file to begin with.
    """

    def __init__(self, path: Path, on_trouble: Callable[[str], object]) -> None:
        self._path = path
        self._on_trouble = on_trouble
        self._trouble = ""
        self._look_again = 0.0
        self._stamp = self._file_stamp()
        self._users: Mapping[str, str] = read_users(path)

    def _file_stamp(self) -> tuple[int, int, int]:
        status = os.stat(self._path)  # noqa: PTH116 - for each request: twice as fast
        return status.st_mtime_ns, status.st_ino, status.st_size

    def hash_of(self, login: str) -> str | None:
        """The stored hash of a login, None when there is no such user."""
        now = time.monotonic()
        if now >= self._look_again:
            self._look_again = now + LOOK_EVERY
            self._look()
        return self._users.get(login)

    def _look(self) -> None:
        """Read the file again when it has changed."""
        try:
            stamp = self._file_stamp()
            if stamp != self._stamp:
                self._users, self._stamp = read_users(self._path), stamp
            self._trouble = ""
        except (OSError, UsersError) as error:  # half-edited by hand: who could log in before still can
            if str(error) != self._trouble:
                self._trouble = str(error)
                self._on_trouble(self._trouble)
