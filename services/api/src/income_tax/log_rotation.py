"""Rotation of the logs on the volume. It runs in its own container and needs neither signals nor the Docker socket.

The logs of API, client and nginx are renamed and replaced by an empty file. Their writers reopen them within a second
and write to the renamed file until then, so no line is lost. The other services' logs are copied and truncated, which
may lose a line between the two.
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

from tax_common.file_lock import hold_lock

RENAMED = ("api/api.log", "client/client.log", "nginx/access.log")
TRUNCATED = ("nginx/error.log", "mailhog/mailhog.log", "mysql/error.log", "postgres/*.log")


class Rotation(NamedTuple):
    """The result of a rotation: the rotated logs, and the errors in sentences."""

    rotated: list[Path]
    errors: list[str]


def rotate(folder: Path, max_size: int, keep: int) -> Rotation:
    """Rotate the logs larger than `max_size` bytes, and keep so many archives of each.

    An error at one log does not stop the others. Raises FileNotFoundError when the folder does not exist.
    """
    if not folder.is_dir():
        raise FileNotFoundError(errno.ENOENT, "expected the folder of the logs", str(folder))
    rotation = Rotation([], [])
    with hold_lock(folder):  # a rotation by hand waits for the container's
        for names, move in ((RENAMED, rename_log), (TRUNCATED, truncate_log)):
            for log in (log for name in names for log in sorted(folder.glob(name))):
                with collect_errors(log, rotation.errors):
                    if log.stat().st_size > max_size:
                        move(log)
                        rotation.rotated.append(log)
                    remove_old_archives(log, keep)  # not after an error: no archive goes for a log that stays
    return rotation


@contextmanager
def collect_errors(log: Path, errors: list[str]) -> Iterator[None]:
    """Collect an OSError of one log as a sentence."""
    try:
        yield
    except OSError as error:
        errors.append(f"cannot rotate {log}: {error.strerror}")


def rename_log(log: Path) -> None:
    """Rename the log to an archive, and put an empty file in its place.

    The name exists at every moment: nginx drops the line with which it finds it missing. After an error all is as
    before: each attempt would else leave one more archive.
    """
    empty = log.with_name(f".{log.name}.new")
    empty.touch()
    empty.chmod(0o660)  # for the group of the log writers
    archive = log.with_name(f"{log.name}.{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}")
    os.link(log, archive)
    try:
        empty.replace(log)
    except OSError:
        archive.unlink()
        raise


def truncate_log(log: Path) -> None:
    """Copy the log to its only archive, and truncate it; on a full disk it is truncated without a copy."""
    archive = log.with_name(log.name + ".1")
    try:
        shutil.copyfile(log, archive)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        archive.unlink(missing_ok=True)
    os.truncate(log, 0)


def remove_old_archives(log: Path, keep: int) -> None:
    """Remove all but the newest archives of a log; their names sort by time."""
    for archive in sorted(log.parent.glob(log.name + ".2*"))[:-keep]:
        archive.unlink(missing_ok=True)  # an operator may have removed it


def rotate_forever(
    folder: Path,
    max_size: int,
    keep: int,
    every: float,
    alive: Path | None = None,
    pause: Callable[[float], None] = time.sleep,
) -> NoReturn:
    """Rotate every so many seconds, and print each rotation and each error.

    `alive` is touched after each rotation: a health check reads its age.
    """
    while True:
        rotation = rotate(folder, max_size, keep)
        for sentence in (*(f"rotated {log}" for log in rotation.rotated), *rotation.errors):
            print(sentence, flush=True)
        if alive:
            alive.touch()
        pause(every)
