"""The format, the editing and the reloading of the users file."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from werkzeug.security import generate_password_hash

from income_tax.storage import users as store
from income_tax.storage.users import Users, UsersError, add_user, read_users, remove_user
from tests.support.locks import is_locked
from tests.support.waiting import wait_until

DIGEST = "0" * 128
DIGESTED = f"scrypt:32768:8:1$salt${DIGEST}"


def test_added_users_are_read(tmp_path: Path) -> None:
    """The reader returns an added user with the stored hash, and skips blank lines and comments."""
    path = tmp_path / "users"
    add_user(path, "ann", "pass word")
    path.write_text(f"# ours\n\n{path.read_text()}bob:{generate_password_hash('x', 'scrypt:1024:8:1')}\n")
    users = read_users(path)
    assert ["ann", "bob"] == list(users)
    assert users["ann"].startswith("scrypt:32768:8:1$")


@pytest.mark.parametrize("password", ["1234567", "é" * 2049, "x" * 70_000, "pass\tword"], ids=lambda text: text[:9])
def test_a_password_that_no_request_can_contain_is_rejected(tmp_path: Path, password: str) -> None:
    """A password that is too short, too long for the header of a request, or has control characters is rejected."""
    with pytest.raises(UsersError, match="choose at least 8 characters and at most 4096 bytes, without control"):
        add_user(tmp_path / "users", "ann", password)
    add_user(tmp_path / "users", "ann", "é" * 2048)


@pytest.mark.parametrize(
    "digest",
    [
        "",
        "secret",
        "scrypt:",
        "scrypt:1:1$s$h",
        f"scrypt:32768:8:1${DIGEST}",
        f"scrypt:32768:8:1$salt${DIGEST}0",
        f"scrypt:32768:8:1$salt${DIGEST[1:]}x",
        f"scrypt:32768:8:1$salt${DIGEST}$",
        f"scrypt:32767:8:1$salt${DIGEST}",  # n is not a power of 2
        f"scrypt:1:8:1$salt${DIGEST}",
        f"scrypt:0:8:1$salt${DIGEST}",
        f"scrypt:32768:0:1$salt${DIGEST}",
        f"scrypt:32768:8:0$salt${DIGEST}",
        f"scrypt:1048576:8:1$salt${DIGEST}",  # scrypt would need a gigabyte
        f"pbkdf2:sha256:1000$salt${DIGEST}",
    ],
)
def test_unusable_hashes_are_rejected(tmp_path: Path, digest: str) -> None:
    """A hash with another format or with an excessive cost is rejected, and the error contains the line number."""
    path = tmp_path / "users"
    path.write_text(f"ann:{DIGESTED}\n")
    assert ["ann"] == list(read_users(path))
    path.write_text(f"ann:{DIGESTED}\nbob:{digest}\n")
    with pytest.raises(UsersError, match=r"users, line 2: expected login:scrypt hash, as `users add` writes it"):
        read_users(path)


def test_one_editor_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An edit locks the folder from the read to the write, so that simultaneous edits lose no change."""
    path = tmp_path / "users"
    held: list[bool] = []

    def watch(name: str) -> None:
        work: Callable[..., object] = getattr(store, name)

        def watched(*arguments: object, **options: object) -> object:
            held.append(is_locked(tmp_path))
            return work(*arguments, **options)

        monkeypatch.setattr(store, name, watched)

    add_user(path, "ann", "pass word")
    watch("read_users")
    watch("write_atomically")
    add_user(path, "bob", "pass word")
    remove_user(path, "ann")
    assert [True] * 4 == held
    assert not is_locked(tmp_path)


def test_a_replaced_file_is_read_again(tmp_path: Path) -> None:
    """A replaced file is read again even if its size and time are unchanged."""
    path, other = tmp_path / "users", tmp_path / "other"
    path.write_text(f"ann:{DIGESTED}\n")
    users = Users(path)
    other.write_text(f"bob:{DIGESTED}\n")
    status = path.stat()
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    other.replace(path)
    assert DIGESTED == wait_until(lambda: users.find_hash("bob"))
    assert users.find_hash("ann") is None


def test_invalid_lines_are_skipped(tmp_path: Path) -> None:
    """An invalid line of a changed file disables only its own user, so that removed users are always rejected."""
    path = tmp_path / "users"
    path.write_text(f"ann:{DIGESTED}\nbob:{DIGESTED}\n")
    users = Users(path)
    assert users.find_trouble() is None
    path.write_bytes(f"ann:{DIGESTED}\n".encode() + b"garbage\nb\xff:x\n")
    assert "line 2: expected login:scrypt hash" in wait_until(users.find_trouble)
    assert (DIGESTED, None) == (users.find_hash("ann"), users.find_hash("bob"))


@pytest.mark.parametrize("content", [b"garbage\n", None], ids=["no valid line", "missing"])
def test_the_users_remain_if_the_file_is_unusable(tmp_path: Path, content: bytes | None) -> None:
    """If the file is missing or has no valid line, the previous users remain until the next valid file."""
    path = tmp_path / "users"
    path.write_text(f"ann:{DIGESTED}\n")
    users = Users(path)
    path.unlink()
    if content:
        path.write_bytes(content)
    assert str(path) in wait_until(users.find_trouble)
    assert DIGESTED == users.find_hash("ann")
    path.write_text(f"bob:{DIGESTED}\n")
    wait_until(lambda: users.find_trouble() is None)
    assert (None, DIGESTED) == (users.find_hash("ann"), users.find_hash("bob"))


def test_the_first_file_must_be_valid(tmp_path: Path) -> None:
    """The constructor raises an error if a line is invalid, so that a start reports it."""
    path = tmp_path / "users"
    path.write_text(f"ann:{DIGESTED}\ngarbage\n")
    with pytest.raises(UsersError, match="line 2"):
        Users(path)
