"""Measure how throughput and memory grow with threads, workers, replicas, batch size, requests and taxpayers.

Each round measures every point once. A change of the machine's speed therefore affects all points equally.
"""

import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from bench import result_files as f  # noqa: E402
from bench.container_stack import address_of, stack  # noqa: E402
from bench.load_generator import CONNECTIONS, Request, flood  # noqa: E402
from bench.process_usage import pss_of_each  # noqa: E402
from bench.servers import TARGET, households, login_header, ours  # noqa: E402

ROUNDS, SECONDS = f.rounds(5), f.seconds(2)
REQUESTS = (10_000, 50_000, 100_000, 200_000)
TAXPAYERS = (1_000, 10_000, 100_000, 1_000_000)
SIZES = (1, 10, 100, 1_000, 10_000)

Grown = dict[str, list[float]]


def measure_all() -> dict[str, Grown]:
    """Measure all curves. Return the values of each curve at each of its points."""
    taxpayers = f.in_rounds(ROUNDS, in_process)
    return {
        "threads per worker, requests/s": f.in_rounds(ROUNDS, threads),
        "workers, requests/s": f.in_rounds(ROUNDS, workers),
        "replicas behind nginx, requests/s": replicas(),
        "households per batch, households/s": batches(),
        f.OVER_REQUESTS: f.in_rounds(ROUNDS, memory),
        "households without HTTP, households/s": figure_of(taxpayers, "speed"),
        "households without HTTP, peak MiB": figure_of(taxpayers, "memory"),
    }


def threads() -> dict[str, float]:
    """Measure the requests per second of two workers for each number of threads. The minimum of THREADS is 2."""
    return {str(count): rate_of(threads=count) for count in (2, 4, 8, 16, 32, 64)}


def workers() -> dict[str, float]:
    """Measure the requests per second for each number of workers. A worker has eight threads."""
    return {str(count): rate_of(workers=count) for count in (1, 2, 3, 4)}


def rate_of(workers: int = 2, threads: int = 8) -> float:
    """Start the service without a proxy and measure its requests per second."""
    with ours(workers, threads) as server:
        return rate(Request(server.url + TARGET, (server.login,)))


def rate(request: Request, connections: int = CONNECTIONS) -> float:
    """Warm up the server, then measure its requests per second."""
    flood(request, SECONDS / 4, connections)
    return flood(request, SECONDS, connections).rate


def replicas() -> Grown:
    """Measure the requests per second of the stack with one, two, three and four API containers."""
    with stack() as (made, _server):

        def of(count: int) -> float:
            made.make("up", f"REPLICAS={count}")
            return rate(Request(address_of(made) + TARGET, (login_header(made.credentials),)))

        return f.in_rounds(ROUNDS, lambda: {str(count): of(count) for count in (1, 2, 3, 4)})


def memory() -> dict[str, float]:
    """Send requests, and measure the memory of the largest worker in MiB after each number of requests in REQUESTS."""
    found, sent = {}, 0
    with ours() as server:
        request = Request(server.url + TARGET, (server.login,))
        for count in REQUESTS:
            while sent < count:
                sent += flood(request, 1.0).requests
            found[str(count)] = max(pss_of_each(server.workers))
    return found


def batches() -> Grown:
    """Measure the households per second over HTTP for each batch size."""
    with ours() as server:

        def of(count: int) -> float:
            body = json.dumps(households(count)).encode()
            headers = (server.login, "Content-Type: application/json")
            return count * rate(Request(server.url + "/", headers, body), connections=4)

        return f.in_rounds(ROUNDS, lambda: {str(count): of(count) for count in SIZES})


def in_process() -> dict[str, dict[str, float]]:
    """For each number of households, measure the speed and peak memory of a calculation in a new process."""
    found = {}
    for count in TAXPAYERS:
        command = [sys.executable, __file__, str(count)]
        said = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout
        found[str(count)] = json.loads(said)
    return found


def figure_of(found: dict[str, list[dict[str, float]]], name: str) -> Grown:
    """Select the measurement `name` of each point and round."""
    return {point: [figures[name] for figures in rounds] for point, rounds in found.items()}


def calculate(count: int) -> dict[str, Any]:
    """Calculate the taxes of `count` households with NumPy. Return households per second and peak memory in MiB."""
    import numpy as np  # noqa: PLC0415 - only the measured process imports NumPy

    from income_tax.tax.vectorized import Households, assess_dated  # noqa: PLC0415
    from tests.support.data import schedules  # noqa: PLC0415

    years, random = schedules().years, np.random.default_rng(1)
    married = random.integers(0, 2, count) == 1
    salaries = [random.integers(0, 120_000, count), random.integers(0, 50_000, count) * married]
    children = random.integers(0, 5, count)
    year = random.integers(2018, 2026, count)
    begun = time.perf_counter()
    for one, law in years.items():
        rows = np.flatnonzero(year == one)
        households = Households(year, married, ~married & (children > 0), children, *salaries)
        assess_dated(households.take(rows), law)
    seconds = time.perf_counter() - begun
    return {"speed": count / seconds, "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


if __name__ == "__main__":
    print(json.dumps(calculate(int(sys.argv[1]))))
