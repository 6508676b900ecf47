"""Rotation of the logs on a volume. It runs in a separate container, and needs neither signals nor the Docker socket.

Each log in RENAMED is renamed, and an empty file replaces the log. The log's writer opens the empty file within a
second. Until then, it writes to the renamed file, so no line is lost. Each log in TRUNCATED is copied and truncated. A
line that is written between the copy and the truncation can be lost.
"""

import errno
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, NoReturn

from tax_common.files import hold_lock

RENAMED = ("api/api.log", "client/client.log", "nginx/access.log")
TRUNCATED = ("nginx/error.log", "mailhog/mailhog.log", "mysql/error.log", "postgres/*.log")


class Rotation(NamedTuple):
    """The result of a rotation: the rotated logs, and an error message for each log that could not be rotated."""

    rotated: list[Path]
    errors: list[str]


def rotate(folder: Path, max_size: int, keep: int) -> Rotation:
    """Rotate the logs that are larger than `max_size` bytes, and keep `keep` archives of each log.

    An error at one log does not prevent the rotation of other logs. Raises FileNotFoundError if the folder is missing.
    """
    if not folder.is_dir():
        raise FileNotFoundError(errno.ENOENT, "expected the folder of the logs", str(folder))
    rotation = Rotation([], [])
    with hold_lock(folder):  # the lock makes a manual rotation wait for the container's rotation
        for names, move in ((RENAMED, rename_log), (TRUNCATED, truncate_log)):
            for log in (log for name in names for log in sorted(folder.glob(name))):
                with collect_errors(log, rotation.errors):
                    if log.stat().st_size > max_size:
                        move(log)
                        rotation.rotated.append(log)
                    remove_old_archives(log, keep)  # skipped if the rotation of this log failed
    return rotation


@contextmanager
def collect_errors(log: Path, errors: list[str]) -> Iterator[None]:
    """Catch an OSError that the rotation of this log raises, and append its message to `errors`."""
    try:
        yield
    except OSError as error:
        errors.append(f"cannot rotate {log}: {error.strerror}")


def rename_log(log: Path) -> None:
    """Rename the log to an archive, and replace the log with an empty file.

    The replacement is atomic, because nginx would discard a line if the log were missing for a moment. If the
    replacement fails, the archive is removed. Otherwise each failed attempt would leave another archive.
    """
    empty = log.with_name(f".{log.name}.new")
    empty.touch()
    empty.chmod(0o660)  # the group can write, because every log writer belongs to this group
    archive = log.with_name(f"{log.name}.{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}")
    os.link(log, archive)
    try:
        empty.replace(log)
    except OSError:
        archive.unlink()
        raise


def truncate_log(log: Path) -> None:
    """Copy the log to its only archive, and truncate the log. If the disk is full, truncate the log without copying."""
    archive = log.with_name(log.name + ".1")
    try:
        shutil.copyfile(log, archive)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        archive.unlink(missing_ok=True)
    os.truncate(log, 0)


def remove_old_archives(log: Path, keep: int) -> None:
    """Remove all archives of a log except the newest `keep`. Sorting by name also sorts the archives by time."""
    for archive in sorted(log.parent.glob(log.name + ".2*"))[:-keep]:
        archive.unlink(missing_ok=True)  # an operator might have removed the archive


def rotate_forever(
    folder: Path,
    max_size: int,
    keep: int,
    every: float,
    alive: Path | None = None,
    pause: Callable[[float], None] = time.sleep,
) -> NoReturn:
    """Rotate the logs every `every` seconds, and print each rotated log and each error.

    Touch the file `alive` after each rotation. A health check reads the age of `alive`.
    """
    while True:
        rotation = rotate(folder, max_size, keep)
        for sentence in (*(f"rotated {log}" for log in rotation.rotated), *rotation.errors):
            print(sentence, flush=True)
        if alive:
            alive.touch()
        pause(every)
