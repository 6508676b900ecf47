"""What tests wait for: a condition, a free port."""

import socket
import time
from collections.abc import Callable
from typing import Literal, TypeVar

Result = TypeVar("Result")


def free_port() -> int:
    """A port of 127.0.0.1 that nothing uses now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def wait_until(condition: Callable[..., Result | Literal[False] | None], seconds: float = 60) -> Result:
    """What the condition gives, once that is true; an error when it never is."""
    deadline = time.monotonic() + seconds
    while not (result := condition()):
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.1)
    return result
