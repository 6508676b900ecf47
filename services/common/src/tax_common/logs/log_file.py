"""An append-only log file. It tolerates rotation by renaming, and a disk that is temporarily full."""

import contextlib
import fcntl
import os
import stat
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

CHECK_EVERY = 0.5  # seconds between two checks for rotation and free disk space
# Minimum free bytes for a write. It exceeds the bytes that all writers append between two checks. Without this reserve,
# the kernel would truncate a line on a full disk, and the next line would be appended to the fragment.
RESERVE = 4 << 20
FULL = "the disk is full"
SETTLED = 0.25  # if an incomplete line does not grow for this many seconds, it counts as a fragment


class LogFile:
    """An append-only log file that several threads and processes can write to.

    On a local Linux file system, the kernel locks the inode during an append. Lines of different threads, processes and
    containers therefore never mix. After a rotation, the file is reopened within half a second. Until then, lines are
    written to the renamed file, so no line is lost. A line that cannot be written counts as lost. `on_loss` receives
    the reason when the first line is lost. After the next successful write, `on_resume` receives the number of lines
    that were lost. Each process counts its own lost lines. `on_write` is called after each written line, and
    `on_lost_line` for each lost line.

    The path can also name a pipe or a device. The checks of disk space and incomplete lines are then skipped. Raises
    OSError if the file cannot be opened.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self.lost = 0  # lost lines since the start of the process
        self.on_loss: Callable[[str], object] = lambda _: None
        self.on_resume: Callable[[int], object] = lambda _: None
        self.on_write: Callable[[], object] = lambda: None
        self.on_lost_line: Callable[[], object] = lambda: None
        self._lost_in_a_row = 0  # lost lines since the last successful write
        self._reason = ""
        self._clock = clock
        self._create_locks()
        os.register_at_fork(after_in_child=self._reset_in_child)
        self._fd = self._open()
        self._blocked = "" if self._has_room() else FULL  # the reason why writes are blocked until the next check
        self._checked = clock()

    @property
    def trouble(self) -> str | None:
        """The message about lines that are currently being lost, or None if no lines are being lost."""
        return f"this process lost {self._lost_in_a_row} log line(s): {self._reason}" if self._lost_in_a_row else None

    def write(self, line: bytes) -> None:
        """Append one line, which must end with a newline. Never raises."""
        if self._clock() - self._checked >= CHECK_EVERY:
            with self._check_lock:  # all writers wait, because the open file might be rotated and deleted
                if self._clock() - self._checked >= CHECK_EVERY:
                    self._check()
        checked = self._checked
        trouble = self._blocked or self._append(line)
        if trouble:
            # Block writes until the next check, which terminates a line that any process left incomplete.
            with self._check_lock:
                if checked == self._checked:  # no check has finished since this write began
                    self._blocked = trouble
            self._count_lost(trouble)
            return
        self.on_write()
        if self._lost_in_a_row:
            self._resume()

    def _append(self, line: bytes) -> str:
        """Write the line. Return the reason if the write fails, or else an empty string."""
        try:
            return "" if os.write(self._fd, line) == len(line) else FULL
        except OSError as error:
            return error.strerror or str(error)

    def _create_locks(self) -> None:
        self._count_lock = threading.Lock()
        self._check_lock = threading.Lock()

    def _reset_in_child(self) -> None:
        """Replace the locks, because a thread of the parent might hold a lock. Reset the counts of lost lines."""
        self._create_locks()
        self.lost = self._lost_in_a_row = 0  # otherwise the child would not report its first lost line

    def _open(self) -> int:
        if self.path.exists() and not self.path.is_file():
            # Open the file write-only. If it were also open for reading, a pipe without a reader would accept lines.
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # do not wait for a reader
            os.set_blocking(descriptor, True)
            return descriptor
        descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o660)
        with contextlib.suppress(OSError):  # fchmod fails if another system user created the file
            os.fchmod(descriptor, 0o660)  # all users of the group can write, despite the umask
        return descriptor

    def _has_room(self) -> bool:
        if not stat.S_ISREG(os.fstat(self._fd).st_mode):
            return True
        disk = os.fstatvfs(self._fd)
        return disk.f_bavail * disk.f_frsize >= RESERVE

    def _check(self) -> None:
        with contextlib.suppress(OSError):  # after an error, the next check tries again
            self._blocked = "" if self._has_room() else FULL
            if not self._is_current():
                descriptor = self._open()
                os.dup2(descriptor, self._fd, inheritable=False)  # atomic for all threads; `self._fd` stays valid
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
        """Terminate a line that a writer left incomplete on a full disk."""
        fcntl.lockf(self._fd, fcntl.LOCK_EX)  # so that only one process terminates the line
        try:
            size = os.fstat(self._fd).st_size
            time.sleep(SETTLED)  # if another process is still writing the line, the file grows in this time
            os.utime(self._fd)  # os.utime waits until a write in progress unlocks the inode
            if size == os.fstat(self._fd).st_size and self._ends_within_a_line():
                os.write(self._fd, b"\n")
        finally:
            fcntl.lockf(self._fd, fcntl.LOCK_UN)

    def _count_lost(self, reason: str) -> None:
        self.on_lost_line()
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
