"""Run the stack in containers. The application behind nginx is the service or a baseline."""

import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from bench.servers import Server, gunicorn_options, login_header, of_image  # noqa: E402
from tests.support.stack import Stack  # noqa: E402

# Compose override that runs a baseline in the container of the API.
OVERRIDE = """
services:
  api:
    entrypoint: {command}
    command: ["{application}"]
    working_dir: /bench
    volumes: ["./bench:/bench:ro"]
"""


def override(application: str, own_worker: bool) -> str:
    """Build the Compose override that replaces the service with an application of bench/baseline_apps.py.

    If `own_worker` is false, the command unsets the MALLOC_* environment variables of the image.
    """
    options = [*gunicorn_options(own_worker), "--bind", "0.0.0.0:8000", "--worker-tmp-dir", "/dev/shm"]  # noqa: S108
    as_it_is = [part for name in of_image() for part in ("-u", name)]
    start = ["gunicorn"] if own_worker else ["env", *as_it_is, "gunicorn"]
    return OVERRIDE.format(command=json.dumps([*start, *options]), application=f"baseline_apps:{application}")


@contextmanager
def stack(application: str = "", own_worker: bool = False) -> Iterator[tuple[Stack, Server]]:
    """Run the stack with one replica of `application`, or of the service by default. Yield the stack and its server."""
    with tempfile.TemporaryDirectory() as folder:
        made = Stack.create(Path(folder) / "stack", "postgres", REPLICAS="1", DRILL_ROUTE="on")
        if application:
            (made.folder / "docker-compose.override.yml").write_text(override(application, own_worker))
        try:
            made.make("up", "DB=postgres")
            yield made, Server(address_of(made), login_header(made.credentials), stack_roots(made))
        finally:
            made.make("clean")


def address_of(made: Stack) -> str:
    """Return the address of nginx in the Docker network. The published port would reduce the throughput by a third."""
    (nginx,) = made.containers("nginx")
    networks = nginx["NetworkSettings"]["Networks"]
    return f"http://{next(n['IPAddress'] for name, n in networks.items() if name.endswith('clients'))}:8080"


def stack_roots(made: Stack) -> list[int]:
    """List the process ids of the first process of each nginx and API container, from which the others descend."""
    return [c["State"]["Pid"] for service in ("nginx", "api") for c in made.containers(service)]
