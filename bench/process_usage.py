"""Read the CPU time and the memory of processes from /proc."""

import contextlib
import os
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from threading import Event, Thread

TICKS = os.sysconf("SC_CLK_TCK")
LOOK = 0.25  # seconds between two memory samples


def children(pid: int) -> list[int]:
    """List the child processes of a process."""
    said = subprocess.run(["pgrep", "--parent", str(pid)], capture_output=True, text=True, check=False).stdout
    return [int(child) for child in said.split()]


def family(pid: int) -> list[int]:
    """List a process and all descendants of the process."""
    return [pid, *(one for child in children(pid) for one in family(child))]


def leaves(pid: int) -> list[int]:
    """List the descendants without child processes, such as workers, or the process itself if it has no children."""
    below = [one for child in children(pid) for one in leaves(child)]
    return below or [pid]


def cpu_seconds(pids: list[int]) -> float:
    """Return the sum of user and system time of the processes in seconds."""
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(") ")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / TICKS


def pss(pid: int) -> float:
    """Return the proportional set size (PSS) in MiB. The PSS divides a shared page among its processes."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    raise LookupError(f"/proc/{pid}/smaps_rollup has no line Pss")


def pss_of_each(pids: Iterable[int]) -> list[float]:
    """Return the PSS of each running process in MiB. Skip processes that have ended."""
    found = []
    for pid in pids:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError, LookupError):
            found.append(pss(pid))
    return found


@contextlib.contextmanager
def memory_of(pids: list[int]) -> Iterator[list[float]]:
    """Yield a list, and append samples of the processes' PSS in MiB to the list until the block ends."""
    seen, over = pss_of_each(pids), Event()

    def look() -> None:
        while not over.wait(LOOK):
            seen.extend(pss_of_each(pids))

    watcher = Thread(target=look)
    watcher.start()
    try:
        yield seen
    finally:
        over.set()
        watcher.join()
