"""What is measured, without a proxy: the service, applications that do nothing, and the tutorial's way."""

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

from bench.processes import family, leaves  # noqa: E402
from tests.support.service import prepare, request, running_service, service_with  # noqa: E402
from tests.support.waiting import free_port, wait_until  # noqa: E402

WORKERS, THREADS = 2, 8
TARGET = "/?married=yes&children=3&salary=200000"
DATED = "/?year=2024&married=yes&children=3&salary=60000&spouse_salary=40000"
PATIENCE = 60.0  # seconds

# The two ways in which a baseline is served: as anybody would, and by the worker of the service (own_worker.py).
GUNICORN = ["--threads", str(THREADS), "--keep-alive", "75", "--no-control-socket"]
STOCK, OWN = ["--worker-class", "gthread"], ["--config", "own_worker.py"]


def households(count: int) -> list[dict[str, str | int]]:
    """So many households of one year, no two neighbours alike, as the API's fields."""
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
    """Something that answers: its address, the login it wants, and the processes that its others descend from.

    The last of these is gunicorn's, or what has started it.
    """

    url: str
    login: str
    roots: list[int]

    @property
    def pids(self) -> list[int]:
        """Its processes, now."""
        return [pid for root in self.roots for pid in family(root)]

    @property
    def workers(self) -> list[int]:
        """The processes of gunicorn's workers, now."""
        return leaves(self.roots[-1])


def login_header(credentials: str) -> str:
    """The header of HTTP Basic."""
    return "Authorization: Basic " + base64.b64encode(credentials.encode()).decode()


def answers(port: int) -> bool:
    """Whether something listens there and answers."""
    try:
        request(port, "/health/ready", None)
    except OSError:
        return False
    return True


@contextmanager
def command(arguments: list[str], port: int, **environment: str) -> Iterator[Server]:
    """A server that a command line starts in bench/."""
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
    """The options of gunicorn for a baseline."""
    return [*GUNICORN, *(OWN if own_worker else STOCK), "--workers", str(workers)]


def under_gunicorn(
    application: str, own_worker: bool = False, workers: int = WORKERS
) -> AbstractContextManager[Server]:
    """An application of bench/hello.py under gunicorn's threaded worker, or under the service's own."""
    port = free_port()
    options = [*gunicorn_options(own_worker, workers), "--bind", f"127.0.0.1:{port}", "--log-level", "warning"]
    arguments = [sys.executable, "-m", "gunicorn", *options, f"hello:{application}"]
    return command(arguments, port, **(of_image() if own_worker else {}))


def tutorial(log_file: Path) -> AbstractContextManager[Server]:
    """Flask's development server, with a log file that is opened and closed for each request."""
    port = free_port()
    return command([sys.executable, "reference.py", str(port), str(log_file)], port)


@contextmanager
def ours(workers: int = WORKERS, threads: int = THREADS) -> Iterator[Server]:
    """The service with everything on, on SQLite."""
    settings = {"WORKERS": str(workers), "THREADS": str(threads), "DRILL_ROUTE": "on"} | of_image()
    with tempfile.TemporaryDirectory() as folder, running_service(Path(folder), **settings) as service:
        roots = [service.process.pid]
        yield Server(f"http://127.0.0.1:{service.port}", login_header(service.credentials), roots)


def of_image() -> dict[str, str]:
    """What the image sets for the service's memory."""
    text = (ROOT / "services/api/Dockerfile").read_text(encoding="utf-8")
    return dict(re.findall(r"^ENV (MALLOC_\w+)=(\S+)$", text, re.MULTILINE))


def cold_start() -> float:
    """Seconds from nothing to the first answer that says it is ready."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder)
        begun = time.perf_counter()
        with service_with(folder, free_port(), **of_image()):
            return time.perf_counter() - begun
