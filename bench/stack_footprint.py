"""Measure the start time and the memory of the stack that `make up` starts, and the size of the API's image."""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from bench import result_files as f  # noqa: E402
from bench.process_usage import family, pss_of_each  # noqa: E402
from tests.support.stack import Stack  # noqa: E402

ROUNDS = f.rounds(5)
BASE = "python:3.13-slim"


def facts_of_stack() -> dict[str, Any]:
    """Measure a stack with default settings. It has two replicas and PostgreSQL."""
    with tempfile.TemporaryDirectory() as folder:
        made = Stack.create(Path(folder) / "stack", "postgres")
        try:
            made.make("up", "DB=postgres")  # builds the images and creates the secrets
            found: dict[str, Any] = {f.UP: [seconds_of_up(made) for _ in range(ROUNDS)]}
            return found | memory(made) | {"size of the API's image without its base image, MB": size_over_base(made)}
        finally:
            made.make("clean")


def seconds_of_up(made: Stack) -> float:
    """Return the duration of `make up` in seconds. The images are already built, and the volumes are new."""
    made.compose("down", "--volumes")
    begun = time.perf_counter()
    made.make("up")
    return time.perf_counter() - begun


def memory(made: Stack) -> dict[str, Any]:
    """Return the PSS at rest of each service, of the whole stack, and of nginx plus one replica."""
    replicas: dict[str, list[float]] = {}
    for service in made.compose("ps", "--services").split():
        running = [c["State"]["Pid"] for c in made.containers(service) if c["State"]["Running"]]
        replicas[service] = [sum(pss_of_each(family(pid))) for pid in running]
    each = {service: sum(found) for service, found in replicas.items()}
    return {
        f"PSS of the whole stack at rest, {len(replicas['api'])} replicas, MiB": sum(each.values()),
        "PSS of each service at rest, MiB": each,
        "PSS of nginx and one replica, MiB": each["nginx"] + max(replicas["api"]),
    }


def size_over_base(made: Stack) -> float:
    """Return the size of the API's image without its base image, in MB."""
    return (image_size(made.containers("api")[0]["Image"]) - image_size(BASE)) / 1e6


def image_size(name: str) -> int:
    """Return the size of an image in bytes."""
    inspected = subprocess.run(["docker", "image", "inspect", name], capture_output=True, text=True, check=True).stdout
    return int(json.loads(inspected)[0]["Size"])
