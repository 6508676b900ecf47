"""What processes cost: processor seconds and memory, from /proc."""

import contextlib
import os
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from threading import Event, Thread

TICKS = os.sysconf("SC_CLK_TCK")
LOOK = 0.25  # seconds between two looks at memory


def children(pid: int) -> list[int]:
    """The processes that a process has started."""
    said = subprocess.run(["pgrep", "--parent", str(pid)], capture_output=True, text=True, check=False).stdout
    return [int(child) for child in said.split()]


def family(pid: int) -> list[int]:
    """A process and all its descendants."""
    return [pid, *(one for child in children(pid) for one in family(child))]


def leaves(pid: int) -> list[int]:
    """Those of a family that have started none themselves: the workers of a server."""
    below = [one for child in children(pid) for one in leaves(child)]
    return below or [pid]


def cpu_seconds(pids: list[int]) -> float:
    """Processor seconds, of users and kernel, that the processes have used."""
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(") ")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / TICKS


def pss(pid: int) -> float:
    """The proportional set size in MiB: memory, with what is shared divided among those who share it."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    raise LookupError(f"no Pss of process {pid}")


def pss_of_each(pids: Iterable[int]) -> list[float]:
    """The PSS of each process, in MiB; without those that have ended meanwhile."""
    found = []
    for pid in pids:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError, LookupError):
            found.append(pss(pid))
    return found


@contextlib.contextmanager
def memory_of(pids: list[int]) -> Iterator[list[float]]:
    """The PSS of processes in MiB, each time they are looked at until the end of the block."""
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
