"""Checks that run before gunicorn starts. Without them, gunicorn would retry, and report errors only in the log."""

import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from gunicorn.util import parse_address

from . import exit_codes
from .exit_codes import fail
from .service_log import Log
from .settings import Settings

# Files that contain a container's limit on processes and threads: first for cgroups version 2, then for version 1.
LIMITS = (Path("/sys/fs/cgroup/pids.max"), Path("/sys/fs/cgroup/pids/pids.max"))
WORKER_OVERHEAD = 7  # threads of a worker besides THREADS: main, mails, webhook, status, database, checks, metrics
# Processes and threads besides the workers: the master, init, health checks, operator commands, scrapes of the metrics.
SERVICE_OVERHEAD = 24


def read_thread_limit(limits: tuple[Path, ...] = LIMITS) -> int | None:
    """Return the maximum number of processes and threads. Return None if no limit can be read."""
    for limit in limits:
        with suppress(OSError, ValueError):  # ValueError: the file contains "max"
            return int(limit.read_text(encoding="ascii"))
    return None


def describe_thread_excess(workers: int, threads: int, limit: int | None) -> str:
    """Return an error message with a remedy if the service needs more threads than `limit`, or else an empty string."""
    needed = workers * (threads + WORKER_OVERHEAD) + SERVICE_OVERHEAD
    if limit is None or needed <= limit:
        return ""
    return (
        f"{workers} workers of {threads} threads need {needed} processes and threads, and {limit} are allowed here: "
        f"lower WORKERS or THREADS, or allow {needed}; in the stack, set API_WORKERS, API_THREADS or API_PIDS"
    )


def check_threads_or_exit(settings: Settings, log: Log) -> None:
    """Exit with code 64 if the threads exceed the limit. Otherwise gunicorn would restart the workers endlessly."""
    if sentence := describe_thread_excess(settings.workers, settings.threads, read_thread_limit()):
        log.error("startup failed", place="main", reason=sentence)
        fail(sentence, exit_codes.USAGE)


def check_addresses_or_exit(settings: Settings, log: Log) -> None:
    """Exit with code 64 if an address cannot be bound. Otherwise gunicorn would retry for five seconds."""
    sentence = ""
    if not settings.bind.startswith(("fd:", "unix:")):
        sentence = try_to_listen("BIND", settings.bind, lambda: parse_address(settings.bind), "127.0.0.1:8001")
    if settings.metrics_bind and not sentence:
        host, port = settings.metrics_bind
        sentence = try_to_listen("METRICS_BIND", f"{host}:{port}", lambda: (host, port), "127.0.0.1:9101")
    if sentence:
        log.error("startup failed", place="main", reason=sentence)
        fail(sentence, exit_codes.USAGE)


def try_to_listen(setting: str, address: str, parse: Callable[[], tuple[str, int]], example: str) -> str:
    """Return an error message with a remedy if the address of a setting cannot be bound, or else an empty string."""
    try:
        host, port = parse()
        with socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET):
            return ""
    except (OSError, OverflowError, RuntimeError) as error:
        return f"cannot listen on {address}: {error}; set {setting} to another address, like {setting}={example}"
