"""Start the measured servers without a proxy. They are the service, the baselines and the tutorial server."""

import base64
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from bench.process_usage import family, leaves  # noqa: E402
from tests.support.service import prepare, request, running_service, service_with  # noqa: E402
from tests.support.waiting import free_port, wait_until  # noqa: E402

WORKERS, THREADS = 2, 8
TARGET = "/?married=yes&children=3&salary=200000"
DATED = "/?year=2024&married=yes&children=3&salary=60000&spouse_salary=40000"
PATIENCE = 60.0  # seconds to wait until a server responds

# GUNICORN contains gunicorn's options for all baselines, STOCK those for gunicorn's threaded worker, and OWN those for
# the service's worker.
GUNICORN = ["--threads", str(THREADS), "--keep-alive", "75", "--no-control-socket"]
STOCK, OWN = ["--worker-class", "gthread"], ["--config", "gunicorn_leader_follower_config.py"]


def households(count: int) -> list[dict[str, str | int]]:
    """Build `count` households of one year as JSON objects for the API. Adjacent households differ."""
    return [
        {
            "year": 2024,
            "married": "no" if n % 3 else "yes",
            "single_parent": "yes" if n % 3 == 1 else "no",
            "children": n % 5 if n % 3 == 0 else 1,
            "salary": 15_000 + 997 * n % 90_000,
            "spouse_salary": 0 if n % 3 else 7_919 * n % 40_000,
        }
        for n in range(count)
    ]


@dataclass(frozen=True, slots=True)
class Server:
    """A running server.

    `login` is the Authorization header. All processes of the server are `roots` or their descendants. The last root is
    gunicorn's master process or an ancestor of the master.
    """

    url: str
    login: str
    roots: list[int]

    @property
    def pids(self) -> list[int]:
        """List the ids of the server's running processes."""
        return [pid for root in self.roots for pid in family(root)]

    @property
    def workers(self) -> list[int]:
        """List the ids of gunicorn's running worker processes."""
        return leaves(self.roots[-1])


def login_header(credentials: str) -> str:
    """Return the Authorization header with HTTP Basic credentials. `credentials` has the form `login:password`."""
    return "Authorization: Basic " + base64.b64encode(credentials.encode()).decode()


def answers(port: int) -> bool:
    """Return whether the server on a port of 127.0.0.1 responds."""
    try:
        request(port, "/health/ready", None)
    except OSError:
        return False
    return True


@contextmanager
def command(arguments: list[str], port: int, **environment: str) -> Iterator[Server]:
    """Run a server in the folder bench/, wait until it responds, and yield it. Stop it when the context ends."""
    env = os.environ | environment
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(arguments, cwd=ROOT / "bench", env=env, stdout=quiet, stderr=quiet)
    try:
        wait_until(lambda: answers(port), PATIENCE)
        yield Server(f"http://127.0.0.1:{port}", login_header("client:secret"), [process.pid])
    finally:
        process.terminate()
        process.wait(timeout=30)


def gunicorn_options(own_worker: bool, workers: int = WORKERS) -> list[str]:
    """Return the command-line options of gunicorn for a baseline."""
    return [*GUNICORN, *(OWN if own_worker else STOCK), "--workers", str(workers)]


def under_gunicorn(
    application: str, own_worker: bool = False, workers: int = WORKERS
) -> AbstractContextManager[Server]:
    """Run an application of bench/baseline_apps.py under gunicorn's threaded worker or under the service's worker."""
    port = free_port()
    options = [*gunicorn_options(own_worker, workers), "--bind", f"127.0.0.1:{port}", "--log-level", "warning"]
    arguments = [sys.executable, "-m", "gunicorn", *options, f"baseline_apps:{application}"]
    return command(arguments, port, **(of_image() if own_worker else {}))


def tutorial(log_file: Path) -> AbstractContextManager[Server]:
    """Run bench/tutorial_server.py, which writes log lines to `log_file`."""
    port = free_port()
    return command([sys.executable, "tutorial_server.py", str(port), str(log_file)], port)


@contextmanager
def ours(workers: int = WORKERS, threads: int = THREADS) -> Iterator[Server]:
    """Run the service on SQLite with the drill route and with the MALLOC_* variables of the API's image."""
    settings = {"WORKERS": str(workers), "THREADS": str(threads), "DRILL_ROUTE": "on"} | of_image()
    with tempfile.TemporaryDirectory() as folder, running_service(Path(folder), **settings) as service:
        roots = [service.process.pid]
        yield Server(f"http://127.0.0.1:{service.port}", login_header(service.credentials), roots)


def of_image() -> dict[str, str]:
    """Return the MALLOC_* variables that the API's image sets."""
    text = (ROOT / "services/api/Dockerfile").read_text(encoding="utf-8")
    return dict(re.findall(r"^ENV (MALLOC_\w+)=(\S+)$", text, re.MULTILINE))


def cold_start() -> float:
    """Return the seconds from the start of the service to its first response with status 200 for /health/ready."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder)
        begun = time.perf_counter()
        with service_with(folder, free_port(), **of_image()):
            return time.perf_counter() - begun
