"""Measure the longest answer while one of three replicas is frozen, without a network, or killed.

In each round, the client sends 100 requests per second for 20 seconds and causes each fault once. The benchmark fails
if a request fails, or if an answer takes longer than LONGEST.
"""

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from bench import result_files as f  # noqa: E402
from tests.support.replicas import disconnected, frozen, list_replicas  # noqa: E402
from tests.support.stack import Stack  # noqa: E402
from tests.support.traffic import constant_rate  # noqa: E402
from tests.support.waiting import wait_until  # noqa: E402

RATE, SECONDS, REPLICAS = 100, f.seconds(15), 3
LONGEST = 1.5  # seconds


@contextmanager
def killed(stack: Stack, replica: str) -> Iterator[None]:
    """Kill all processes of a replica. Docker restarts the replica."""
    # The signal also ends its own shell, so the exit code has no meaning.
    stack.run("docker", "exec", replica, "sh", "-c", "kill -KILL -1")
    yield


@contextmanager
def healthy(_stack: Stack, _replica: str) -> Iterator[None]:
    """Cause no fault."""
    yield


FAULTS: dict[str, Callable[[Stack, str], AbstractContextManager[None]]] = {
    "no fault": healthy,
    "frozen": frozen,
    "without a network": disconnected,
    "killed": killed,
}


def measure_longest(stack: Stack, fault: str) -> float:
    """Cause a fault during constant traffic. Return the seconds of the longest answer."""
    with constant_rate(stack, RATE, 0) as traffic:
        time.sleep(SECONDS / 6)
        with FAULTS[fault](stack, list_replicas(stack)[0]):
            time.sleep(SECONDS)
        time.sleep(SECONDS / 6)
    wait_until(lambda: stack.healthy("api") == REPLICAS)
    return float(traffic.longest)


def main() -> None:
    """Measure all faults, save the measurements, and write the table to bench/README.md."""
    with tempfile.TemporaryDirectory() as folder:
        settings = {"REPLICAS": str(REPLICAS)}
        with Stack.running(Path(folder) / "stack", "postgres", **settings) as stack:
            measure_longest(stack, "no fault")  # lets each worker check the password
            found = f.in_rounds(f.rounds(3), lambda: {fault: measure_longest(stack, fault) for fault in FAULTS})
    f.save("gray", {"seconds of the longest answer": found})
    rows = [(fault, f.spread(seconds, ".2f")) for fault, seconds in found.items()]
    f.put("gray", f.table(("one of three replicas", "longest answer in s"), rows))
    if (longest := max(map(max, found.values()))) > LONGEST:
        sys.exit(f"an answer took {longest:.2f} s; expected at most {LONGEST} s")


if __name__ == "__main__":
    main()
