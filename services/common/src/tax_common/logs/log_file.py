"""An append-only log file that survives rotation by renaming and a disk that is full for a while."""

import contextlib
import fcntl
import os
import stat
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

CHECK_EVERY = 0.5  # seconds between two checks whether the file was renamed and its disk has room
# Bytes that must be free: more than all writers together append between two checks. Without it the kernel would cut
# short the last write on a full disk, and the next writer's line would follow a fragment.
RESERVE = 4 << 20
FULL = "the disk is full"
SETTLED = 0.25  # seconds after which a line that has not grown is a fragment: its writer may have had no processor


class LogFile:
    """An append-only log file, safe for every thread and process that writes to it.

    On a local Linux file system the kernel holds the inode while it appends, so lines of threads, processes and
    containers in one file never mix. The file is reopened half a second after a rotation renamed it. Until then lines
    go to the renamed file, and none is lost. While writing fails, lines are counted as lost: `on_loss` receives the
    reason when that begins, `on_resume` the number of lines when it ends. Each process of a fork counts its own.

    The path may also name a pipe or a device, which has no disk to fill and no line to end.
    Raises OSError when the file cannot be opened.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self.lost = 0  # lines, since the process began
        self.on_loss: Callable[[str], object] = lambda _: None
        self.on_resume: Callable[[int], object] = lambda _: None
        self._lost_in_a_row = 0  # lines, since the last one that was written
        self._reason = ""
        self._clock = clock
        self._create_locks()
        os.register_at_fork(after_in_child=self._reset_in_child)
        self._fd = self._open()
        self._blocked = "" if self._has_room() else FULL  # the reason not to write before the next check
        self._checked = clock()

    @property
    def trouble(self) -> str | None:
        """The reason why lines are being lost now; None when they are not."""
        return (
            f"{self._lost_in_a_row} log line(s) of this process lost: {self._reason}" if self._lost_in_a_row else None
        )

    def write(self, line: bytes) -> None:
        """Append one line, its newline included; never raises."""
        if self._clock() - self._checked >= CHECK_EVERY:
            with self._check_lock:  # no thread writes now: after an idle hour the old file may have been deleted
                if self._clock() - self._checked >= CHECK_EVERY:
                    self._check()
        checked = self._checked
        trouble = self._blocked or self._append(line)
        if trouble:
            # No write before the next check, which ends a line that any process left incomplete.
            with self._check_lock:
                if checked == self._checked:  # a later check has found room
                    self._blocked = trouble
            self._count_lost(trouble)
        elif self._lost_in_a_row:
            self._resume()

    def _append(self, line: bytes) -> str:
        """Write the line; return the reason why it could not be written, or an empty text."""
        try:
            return "" if os.write(self._fd, line) == len(line) else FULL
        except OSError as error:
            return error.strerror or str(error)

    def _create_locks(self) -> None:
        self._count_lock = threading.Lock()
        self._check_lock = threading.Lock()

    def _reset_in_child(self) -> None:
        """After a fork the threads that held a lock do not exist, and the losses counted are the parent's."""
        self._create_locks()
        self.lost = self._lost_in_a_row = 0  # else the child would not report its own first loss

    def _open(self) -> int:
        if self.path.exists() and not self.path.is_file():
            # Not for reading: a pipe that its writer could read would take lines without a reader, until it is full.
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # nor wait for a reader
            os.set_blocking(descriptor, True)
            return descriptor
        descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o660)
        with contextlib.suppress(OSError):  # another account of the group created it
            os.fchmod(descriptor, 0o660)  # in spite of the umask: a group of accounts may write to one log
        return descriptor

    def _has_room(self) -> bool:
        if not stat.S_ISREG(os.fstat(self._fd).st_mode):
            return True
        disk = os.fstatvfs(self._fd)
        return disk.f_bavail * disk.f_frsize >= RESERVE

    def _check(self) -> None:
        with contextlib.suppress(OSError):  # the next check tries again
            self._blocked = "" if self._has_room() else FULL
            if not self._is_current():
                descriptor = self._open()
                os.dup2(descriptor, self._fd, inheritable=False)  # atomic for all threads: the descriptor stays open
                os.close(descriptor)
            if not self._blocked and self._ends_within_a_line():
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
        """End a line that a writer left incomplete on a full disk; the next line would be lost with it."""
        fcntl.lockf(self._fd, fcntl.LOCK_EX)  # several processes may see it: one ends it
        try:
            size = os.fstat(self._fd).st_size
            time.sleep(SETTLED)  # a long line that is being written grows page by page
            os.utime(self._fd)  # waits for a write in progress, which holds the inode, however slow the disk is
            if size == os.fstat(self._fd).st_size and self._ends_within_a_line():
                os.write(self._fd, b"\n")
        finally:
            fcntl.lockf(self._fd, fcntl.LOCK_UN)

    def _count_lost(self, reason: str) -> None:
        with self._count_lock:
            self.lost += 1
            self._lost_in_a_row += 1
            self._reason = reason
            is_first = self._lost_in_a_row == 1
        if is_first:
            sys.stderr.write(f"log lines are being lost: {self.path}: {reason}\n")
            self.on_loss(reason)

    def _resume(self) -> None:
        with self._count_lock:
            count, self._lost_in_a_row = self._lost_in_a_row, 0
        if count:
            sys.stderr.write(f"log lines are written again: {self.path}: {count} lost\n")
            self.on_resume(count)
