"""The processor time, memory and open files of a replica's processes, from /proc (proc(5))."""

import os
import resource
from pathlib import Path
from typing import NamedTuple

PROC = Path("/proc")
TRIES = 5
# Positions in /proc/PID/stat after the name of the process. The four times are the processor times of the process and
# of its ended children, in ticks.
TIMES, CHILDREN_TIMES, STARTED, RESIDENT_PAGES = slice(11, 15), slice(13, 15), 19, 21
TICKS, PAGE = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")


class ProcessFigures(NamedTuple):
    """The figures of gunicorn's master process and its workers together."""

    cpu_seconds: float  # includes the workers that have ended
    resident_bytes: int  # memory that several processes share counts once for each process
    open_files: int
    max_files: int  # the limit of one process
    started: float  # Unix timestamp of the start of the master


def read_process_figures(master: int, proc: Path = PROC) -> ProcessFigures | None:
    """Read the figures of a process and its children. Return None if they cannot be read, for example without /proc."""
    for _ in range(TRIES):
        try:
            stat = read_stat(proc, master)
            pids = list_children(proc, master)
            children = [read_stat(proc, pid) for pid in pids]
            open_files = sum(len([*(proc / f"{pid}/fd").iterdir()]) for pid in (master, *pids))
            # If a child has just ended, its times might be missing, or counted twice.
            if read_stat(proc, master)[CHILDREN_TIMES] != stat[CHILDREN_TIMES]:
                continue
            boot_time = read_boot_time(proc)
        except (OSError, ValueError, IndexError, StopIteration):
            continue
        processes = [stat, *children]
        return ProcessFigures(
            sum(sum(one[TIMES]) for one in processes) / TICKS,
            sum(one[RESIDENT_PAGES] for one in processes) * PAGE,
            open_files,
            resource.getrlimit(resource.RLIMIT_NOFILE)[0],
            boot_time + stat[STARTED] / TICKS,
        )
    return None


def read_boot_time(proc: Path) -> int:
    """Return the time when the machine started as a Unix timestamp."""
    lines = (proc / "stat").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("btime "))


def list_children(proc: Path, pid: int) -> list[int]:
    """Return the process ids of the children of a process that has one thread."""
    return [*map(int, (proc / f"{pid}/task/{pid}/children").read_text(encoding="ascii").split())]


def read_stat(proc: Path, pid: int) -> list[int]:
    """Return the numbers in /proc/PID/stat after the name of the process. The state at position 0 becomes 0."""
    # The name is in parentheses. It can contain spaces and parentheses.
    fields = (proc / f"{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    return [0, *map(int, fields[1:])]
