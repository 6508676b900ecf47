"""Measure the processor time that the counters of the metrics add to a request.

The services with and without counters answer in turn, several times. The verdict compares the processor times of the
same round, because the speed of the machine changes between rounds.
"""

import statistics
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from bench import result_files as f  # noqa: E402
from bench.load_generator import Request, flood  # noqa: E402
from bench.process_usage import cpu_seconds  # noqa: E402
from bench.servers import DATED, Server, login_header, of_image  # noqa: E402
from tests.support.service import COMMAND, prepare, service_with  # noqa: E402

ROUNDS, SECONDS, CONNECTIONS = 9, f.seconds(4), 8
MOST = 1.02  # the highest accepted ratio
UNCOUNTED: list[str | Path] = [sys.executable, ROOT / "bench/uncounted_service.py"]


def start(stack: ExitStack, command: Sequence[str | Path]) -> Server:
    """Start a service with one worker, which also exposes its metrics if it counts them."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    prepare(folder)
    service = stack.enter_context(service_with(folder, 1, None, command, WORKERS="1", **of_image()))
    return Server(f"http://127.0.0.1:{service.port}", login_header(service.credentials), [service.process.pid])


def measure(server: Server) -> float:
    """Return the processor time of a request in microseconds."""
    before = cpu_seconds(server.workers)
    load = flood(Request(server.url + DATED, (server.login,)), SECONDS, CONNECTIONS)
    return (cpu_seconds(server.workers) - before) / load.requests * 1e6


def main() -> None:
    """Measure both services in turn, and fail if the median ratio exceeds MOST."""
    with ExitStack() as stack:
        servers = {"counted": start(stack, COMMAND), "uncounted": start(stack, UNCOUNTED)}
        for server in servers.values():
            measure(server)
        rounds = []
        for number in range(ROUNDS):
            names = [*servers][:: 1 if number % 2 else -1]
            times = {name: measure(servers[name]) for name in names}
            rounds.append(times)
            print({name: round(value, 1) for name, value in times.items()}, flush=True)
    ratio = statistics.median(one["counted"] / one["uncounted"] for one in rounds)
    print(f"processor time of a request with counters: {ratio:.3f} times the time without counters")
    sys.exit(ratio > MOST)


if __name__ == "__main__":
    main()
