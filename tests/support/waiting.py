"""Wait for a condition, and find a free port."""

import contextlib
import random
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal, TypeVar

Result = TypeVar("Result")

LOWEST = 10_000
OF_CONNECTIONS = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])  # lowest ephemeral port
_claims: list[socket.socket] = []


def free_port() -> int:
    """Return an unused port of 127.0.0.1 outside the ephemeral range. Other test processes do not get this port."""
    while True:
        port = random.randrange(LOWEST, max(OF_CONNECTIONS, 2 * LOWEST))
        claim = socket.socket(socket.AF_UNIX)
        with contextlib.suppress(OSError):
            claim.bind(f"\0tax-test-port-{port}")  # reserves the port until this process ends
            socket.create_server(("127.0.0.1", port)).close()
            _claims.append(claim)
            return port
        claim.close()


def wait_until(condition: Callable[..., Result | Literal[False] | None], seconds: float = 300) -> Result:
    """Poll a condition until it is true, and return its result. Raise AssertionError after `seconds` seconds."""
    deadline = time.monotonic() + seconds
    looked = time.monotonic()
    while not (result := condition()):
        now = time.monotonic()
        assert now < deadline, f"the condition is still false after {seconds} s"
        time.sleep(min(max(0.1, 2 * (now - looked)), 1))  # wait longer if the condition is slow
        looked = time.monotonic()
    return result
