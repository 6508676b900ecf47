"""The file that lines are appended to: it may be renamed under its writers, and its disk may be full for a while."""

import contextlib
import fcntl
import os
import stat
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

CHECK_EVERY = 0.5  # seconds between two looks at whether the file was renamed and its disk has room
# Bytes that must be free: more than all writers together append between two looks. Without it the last write on a
# full disk would be cut short, and the next writer's line would follow a fragment.
RESERVE = 4 << 20
FULL = "the disk is full"
SETTLED = 0.25  # seconds after which a line that has not grown was left so: its writer may have had no processor


def nothing(_: object) -> None:
    """What is told of a loss by default: nobody but stderr."""


class LogFile:
    """An append-only log file, safe for every thread and process that writes to it.

    On a local Linux file system the kernel holds the inode while it appends, so lines of threads, processes and
    containers in one file never mix. A renamed file (rotation) is followed within half a second: until then lines go
    to the renamed one, and none is lost. While nothing can be written, lines are counted as lost; `on_loss` is told
    the reason when that begins, `on_resume` the number of lines when it is over; a fork counts its own.

    The path may also name a pipe or a device, which has no disk to fill and no line to end.
    Raises OSError when the file cannot be opened.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self.lost = 0  # lines, since the process began
        self.on_loss: Callable[[str], object] = nothing
        self.on_resume: Callable[[int], object] = nothing
        self._losing = 0  # lines, since the last one that was written
        self._reason = ""
        self._clock = clock
        self._new_locks()
        os.register_at_fork(after_in_child=self._begin_anew)
        self._fd = self._open()
        self._barred = "" if self._has_room() else FULL  # why nothing is written before the next look
        self._checked = clock()

    @property
    def trouble(self) -> str | None:
        """Why lines are being lost now; None when they are not."""
        return f"{self._losing} log line(s) of this process lost: {self._reason}" if self._losing else None

    def write(self, line: bytes) -> None:
        """Append one line, its newline included; never raises."""
        if self._clock() - self._checked >= CHECK_EVERY:
            with self._looking:  # nobody writes meanwhile: after an idle hour the old file may be no archive any more
                if self._clock() - self._checked >= CHECK_EVERY:
                    self._look()
        looked = self._checked
        trouble = self._barred or self._append(line)
        if trouble:
            # Until the next look: what was cut short, by whichever process, is to be ended before the next line.
            with self._looking:
                if looked == self._checked:  # else it was of before a look that found all well
                    self._barred = trouble
            self._lose(trouble)
        elif self._losing:
            self._resume()

    def _append(self, line: bytes) -> str:
        """Write the line; why it could not be written, or empty."""
        try:
            return "" if os.write(self._fd, line) == len(line) else FULL
        except OSError as error:
            return error.strerror or str(error)

    def _new_locks(self) -> None:
        self._lock = threading.Lock()
        self._looking = threading.Lock()

    def _begin_anew(self) -> None:
        """In the child of a fork: a thread that held a lock does not exist here, and what was lost was the parent's."""
        self._new_locks()
        self.lost = self._losing = 0  # else its own first loss would not be the first, and be told to nobody

    def _open(self) -> int:
        if self.path.exists() and not self.path.is_file():
            # Not for reading: a pipe that its writer could read would take lines without a reader, until it is full.
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # nor wait for a reader
            os.set_blocking(descriptor, True)
            return descriptor
        descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o660)
        with contextlib.suppress(OSError):  # another account of the group made it
            os.fchmod(descriptor, 0o660)  # whatever the umask: a group of accounts may write to one log
        return descriptor

    def _has_room(self) -> bool:
        if not stat.S_ISREG(os.fstat(self._fd).st_mode):
            return True
        disk = os.fstatvfs(self._fd)
        return disk.f_bavail * disk.f_frsize >= RESERVE

    def _look(self) -> None:
        with contextlib.suppress(OSError):  # what cannot be looked at or opened now is tried again at the next look
            self._barred = "" if self._has_room() else FULL
            if not self._is_current():
                descriptor = self._open()
                os.dup2(descriptor, self._fd, inheritable=False)  # at once for all threads: no write is without a file
                os.close(descriptor)
            if not self._barred and self._ends_within_a_line():
                self._end_line()
        self._checked = self._clock()

    def _is_current(self) -> bool:
        try:
            named = self.path.stat()
        except FileNotFoundError:
            return False
        return os.path.samestat(named, os.fstat(self._fd))

    def _ends_within_a_line(self) -> bool:
        size = os.fstat(self._fd).st_size
        return size > 0 and os.pread(self._fd, 1, size - 1) != b"\n"

    def _end_line(self) -> None:
        """End what a writer has left of a line when the disk was full; the next line would else be lost with it."""
        fcntl.lockf(self._fd, fcntl.LOCK_EX)  # of the processes that see it one ends it
        try:
            size = os.fstat(self._fd).st_size
            time.sleep(SETTLED)  # a long line that is just being written grows page by page
            os.utime(self._fd)  # waits for a write under way, which holds the inode, however slow the disk is
            if size == os.fstat(self._fd).st_size and self._ends_within_a_line():
                os.write(self._fd, b"\n")
        finally:
            fcntl.lockf(self._fd, fcntl.LOCK_UN)

    def _lose(self, reason: str) -> None:
        with self._lock:
            self.lost += 1
            self._losing += 1
            self._reason = reason
            first = self._losing == 1
        if first:
            sys.stderr.write(f"log lines are being lost: {self.path}: {reason}\n")
            self.on_loss(reason)

    def _resume(self) -> None:
        with self._lock:
            count, self._losing = self._losing, 0
        if count:
            sys.stderr.write(f"log lines are written again: {self.path}: {count} lost\n")
            self.on_resume(count)
