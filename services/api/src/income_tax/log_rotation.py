"""Bounds the logs on the volume. Runs in a container of its own; needs neither signals nor the Docker socket.

The logs of API, client and nginx get another name, and an empty file gets theirs: the writers notice within a second,
and until then go on in the old file, so no line is lost. The other services' logs are copied and cut in place, which
may lose a line between the two.
"""

import errno
import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, NoReturn

RENAMED = ("api/api.log", "client/client.log", "nginx/access.log")
CUT = ("nginx/error.log", "mailhog/mailhog.log", "mysql/error.log", "postgres/*.log")


class Rotation(NamedTuple):
    """What was done: the logs that were rotated, and what went wrong, in sentences."""

    rotated: list[Path]
    troubles: list[str]


def rotate(folder: Path, max_size: int, keep: int) -> Rotation:
    """Set aside the logs larger than `max_size` bytes, keep so many archives of each.

    What cannot be done with one log keeps no other from it. Raises FileNotFoundError when the folder does not exist.
    """
    if not folder.is_dir():
        raise FileNotFoundError(errno.ENOENT, "expected the folder of the logs", str(folder))
    done = Rotation([], [])
    with alone(folder):
        for names, bound in ((RENAMED, set_aside), (CUT, cut)):
            for log in (log for name in names for log in sorted(folder.glob(name))):
                with noted(log, done.troubles):
                    if log.stat().st_size > max_size:
                        bound(log)
                        done.rotated.append(log)
                    prune(log, keep)  # not after trouble: nothing is dropped for what was not set aside
    return done


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """While open, no other rotation is at work in the folder: one by hand waits for the container's."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def noted(log: Path, troubles: list[str]) -> Iterator[None]:
    """Note what cannot be done with a log, and go on."""
    try:
        yield
    except OSError as error:
        troubles.append(f"cannot rotate {log}: {error.strerror}")


def set_aside(log: Path) -> None:
    """Give the log another name, and its name to an empty file.

    At no moment does the name stand for nothing: nginx drops the line that it writes when it finds that.
    When it cannot be done, all is as before: the log would else get one name more at each look.
    """
    empty = log.with_name(f".{log.name}.new")
    empty.touch()
    empty.chmod(0o660)  # for the group of those who write logs
    archive = log.with_name(f"{log.name}.{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}")
    os.link(log, archive)
    try:
        empty.replace(log)
    except OSError:
        archive.unlink()
        raise


def cut(log: Path) -> None:
    """Copy the log to its only archive, and empty it; a full disk gets its room back without the copy."""
    archive = log.with_name(log.name + ".1")
    try:
        shutil.copyfile(log, archive)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        archive.unlink(missing_ok=True)
    os.truncate(log, 0)


def prune(log: Path, keep: int) -> None:
    """Remove all but the newest archives of a log; their names sort by time."""
    for archive in sorted(log.parent.glob(log.name + ".2*"))[:-keep]:
        archive.unlink(missing_ok=True)  # somebody may have removed it by hand


def rotate_for_ever(
    folder: Path,
    max_size: int,
    keep: int,
    every: float,
    alive: Path | None = None,
    pause: Callable[[float], None] = time.sleep,
) -> NoReturn:
    """Look every so many seconds whether a log has grown too large; trouble is said, and does not end it.

    `alive` is touched after each look: its age tells whether this goes on.
    """
    while True:
        done = rotate(folder, max_size, keep)
        for sentence in (*(f"rotated {log}" for log in done.rotated), *done.troubles):
            print(sentence, flush=True)
        if alive:
            alive.touch()
        pause(every)
