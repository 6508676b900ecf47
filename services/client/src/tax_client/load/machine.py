"""The machine and the programs that a run was made with, as far as figures depend on them."""

import os
import platform
from contextlib import suppress
from pathlib import Path
from typing import Any

import pycurl

from tax_client import __version__

CGROUP = Path("/sys/fs/cgroup")


def cores() -> float:
    """How many processors this process may use: those it may run on, or the limit of its container."""
    allowed = float(len(os.sched_getaffinity(0)))
    with suppress(OSError, ValueError):  # no such limit
        quota, period = (CGROUP / "cpu.max").read_text().split()
        return min(allowed, int(quota) / int(period))
    return allowed


def describe() -> dict[str, Any]:
    """The machine, and the versions of what sends and counts."""
    return {
        "processor": processor(),
        "cores of the client": cores(),
        "cores of the machine": os.cpu_count(),
        "memory MiB": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20,
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "libcurl": pycurl.version_info()[1],
        "tax-client": __version__,
    }


def processor() -> str:
    """The processor's name; its architecture where the system does not tell."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()
