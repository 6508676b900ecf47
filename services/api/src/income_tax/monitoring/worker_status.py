"""The status files of the workers on a host. A worker whose file is no longer updated counts as ended."""

import contextlib
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from tax_common.files import build_process_name, write_atomically

PUBLISH_INTERVAL = 2.0  # seconds between two writes of a worker's file
GONE = 6.0  # seconds without an update after which a worker counts as ended
OBSOLETE = 3600.0  # seconds after which the file of a killed worker is removed


class WorkerStatusPublisher:
    """Writes the status file of a worker in a thread. `also` is called before each write, and can raise OSError."""

    def __init__(
        self, folder: Path, version: str, also: Callable[[], object], clock: Callable[[], float] = time.time
    ) -> None:
        self.folder = folder
        self._version = version
        self._also = also
        self._clock = clock
        self._stop = threading.Event()
        self._path: Path | None = None
        self._thread: threading.Thread | None = None
        self.trouble: str | None = None  # the reason why the file could not be written, or None

    @property
    def name(self) -> str:
        """The name of the worker's file without its suffix."""
        return build_process_name()

    def start(self, state: Callable[[], Mapping[str, Any]]) -> None:
        """Start the thread. The file contains the identity of the worker and the fields that `state` returns.

        Call this method after the fork, because threads do not survive a fork.
        """
        host, pid = socket.gethostname(), os.getpid()
        self._path = self.folder / f"{self.name}.json"
        known = {"host": host, "pid": pid, "version": self._version, "started": self._clock()}
        self._thread = threading.Thread(target=self._run, args=(self._path, known, state), name="status", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop the thread and remove the worker's file. Call this method before the worker ends."""
        self._stop.set()
        if self._thread:
            self._thread.join(PUBLISH_INTERVAL)  # otherwise the thread might write the file again
        if self._path:
            with contextlib.suppress(OSError):
                self._path.unlink()

    def _run(self, path: Path, known: Mapping[str, Any], state: Callable[[], Mapping[str, Any]]) -> None:
        remove_old_files(self.folder, self._clock() - OBSOLETE)
        while not self._stop.is_set():
            try:
                self._publish(path, {**known, **state()})
                self._also()
                self.trouble = None
            except OSError as error:  # a full disk must not end this thread
                self.trouble = f"the folder STATE_DIR cannot be written: {error.strerror}; free disk space"
            self._stop.wait(PUBLISH_INTERVAL)

    def _publish(self, path: Path, content: Mapping[str, Any]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        write_atomically(path, json.dumps({**content, "time": self._clock()}), mode=0o644)


def remove_old_files(folder: Path, oldest: float) -> None:
    """Remove the files of a folder that were last changed before the timestamp `oldest`."""
    with contextlib.suppress(OSError):
        for path in folder.iterdir():
            if path.stat().st_mtime < oldest:
                path.unlink()


@dataclass(frozen=True, slots=True)
class WorkerSnapshot:
    """The content of a worker's file. Times are Unix timestamps."""

    host: str
    pid: int
    version: str
    started: float
    time: float
    schedules: str
    troubles: list[str]
    lines_lost: int
    requests: int = 0  # since the start of the worker


FIELDS = {field.name for field in fields(WorkerSnapshot)}


def read_snapshots(folder: Path, now: float) -> list[WorkerSnapshot]:
    """Return the snapshots of all running workers, sorted by host name and process id."""
    workers = [worker for worker in parse_snapshots(folder) if abs(now - worker.time) <= GONE]
    return sorted(workers, key=lambda worker: (worker.host, worker.pid))


def parse_snapshots(folder: Path) -> Iterator[WorkerSnapshot]:
    """Parse the files of a folder. Skip files that are malformed or have been removed, and fields of other versions."""
    for path in folder.glob("*.json"):
        with contextlib.suppress(OSError, ValueError, TypeError, AttributeError):
            content = json.loads(path.read_text(encoding="utf-8"))
            yield WorkerSnapshot(**{name: value for name, value in content.items() if name in FIELDS})
