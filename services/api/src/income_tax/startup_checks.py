"""What is looked at before gunicorn starts: it would fail later, again and again, and say it in the log alone."""

import socket
from contextlib import suppress
from pathlib import Path

from gunicorn.util import parse_address

from . import exit_codes
from .exit_codes import fail
from .service_log import Log
from .settings import Settings

# Of a container: of the second version of control groups, and of the first.
LIMITS = (Path("/sys/fs/cgroup/pids.max"), Path("/sys/fs/cgroup/pids/pids.max"))
OF_EACH_WORKER = 4  # beside those that answer: its main thread, the alerts', the activity's and the watch's
BESIDE = 20  # the master, the container's first process, health checks, commands of an operator


def threads_allowed(limits: tuple[Path, ...] = LIMITS) -> int | None:
    """How many processes and threads there may be together; None when there is no limit, or none that can be read."""
    for limit in limits:
        with suppress(OSError, ValueError):  # ValueError: the word max
            return int(limit.read_text(encoding="ascii"))
    return None


def too_many_threads(workers: int, threads: int, allowed: int | None) -> str:
    """What to do about it, in a sentence; nothing when they are not too many."""
    needed = workers * (threads + OF_EACH_WORKER) + BESIDE
    if allowed is None or needed <= allowed:
        return ""
    return (
        f"{workers} workers of {threads} threads need {needed} processes and threads, and {allowed} are allowed here: "
        f"ask for less (WORKERS, THREADS; of the stack API_WORKERS, API_THREADS) or allow {needed} (API_PIDS)"
    )


def check_threads_or_exit(settings: Settings, log: Log) -> None:
    """A worker that cannot start its threads would be replaced for ever: console, log and exit 64 at once."""
    if sentence := too_many_threads(settings.workers, settings.threads, threads_allowed()):
        log.error("startup failed", place="main", reason=sentence)
        fail(sentence, exit_codes.USAGE)


def check_address_or_exit(settings: Settings, log: Log) -> None:
    """Gunicorn would try for five seconds and say it in the log alone: console, log and exit 64 at once."""
    if settings.bind.startswith(("fd:", "unix:")):
        return
    try:
        host, port = parse_address(settings.bind)
        with socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET):
            return
    except (OSError, OverflowError, RuntimeError) as error:
        sentence = f"cannot listen on {settings.bind}: {error}; set BIND to another address, as in BIND=127.0.0.1:8001"
    log.error("startup failed", place="main", reason=sentence)
    fail(sentence, exit_codes.USAGE)
