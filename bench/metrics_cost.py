"""Measure the processor time that the counters of the metrics add to a request.

The services with and without counters answer in turn, several times. The verdict compares the processor times of the
same round, because the speed of the machine changes between rounds.
"""

import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Event, Thread

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from bench import result_files as f  # noqa: E402
from bench.load_generator import Request, flood  # noqa: E402
from bench.process_usage import cpu_seconds  # noqa: E402
from bench.servers import DATED, Server, login_header, of_image  # noqa: E402
from tests.support.metrics import scrape  # noqa: E402
from tests.support.service import COMMAND, prepare, service_with  # noqa: E402
from tests.support.waiting import free_port  # noqa: E402

ROUNDS, SECONDS, CONNECTIONS = 15, f.seconds(4), 8
SCRAPE_INTERVAL = 5.0  # seconds
MOST = 1.02  # the highest accepted ratio
UNCOUNTED: list[str | Path] = [sys.executable, ROOT / "bench/uncounted_service.py"]


def start(stack: ExitStack, command: Sequence[str | Path], **settings: str) -> Server:
    """Start a service with one worker."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    prepare(folder)
    service = stack.enter_context(service_with(folder, 1, None, command, WORKERS="1", **settings, **of_image()))
    return Server(f"http://127.0.0.1:{service.port}", login_header(service.credentials), [service.process.pid])


@contextmanager
def scraping(port: int) -> Iterator[None]:
    """Read the metrics every five seconds, as Prometheus does."""
    over = Event()

    def scrape_repeatedly() -> None:
        while not over.wait(SCRAPE_INTERVAL):
            scrape(port)

    thread = Thread(target=scrape_repeatedly)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def measure(server: Server) -> float:
    """Return the processor time of a request in microseconds."""
    before = cpu_seconds(server.workers)
    load = flood(Request(server.url + DATED, (server.login,)), SECONDS, CONNECTIONS)
    return (cpu_seconds(server.workers) - before) / load.requests * 1e6


def main() -> None:
    """Measure both services in turn, and fail if the median ratio exceeds MOST."""
    with ExitStack() as stack:
        port = free_port()
        servers = {
            "counted": start(stack, COMMAND, METRICS_BIND=f"127.0.0.1:{port}"),
            "uncounted": start(stack, UNCOUNTED),
        }
        stack.enter_context(scraping(port))
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
