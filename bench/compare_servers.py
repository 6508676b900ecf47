"""`make bench`: compare the service with a bare WSGI callable, Flask's hello world and the tutorial server.

Each round measures every case once. A change of the machine's speed therefore affects all cases equally. The verdict
compares only values of the same round.
"""

import json
import os
import platform
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from bench import performance_goals, report_tables, scaling_curves  # noqa: E402
from bench import result_files as f  # noqa: E402
from bench.container_stack import stack  # noqa: E402
from bench.load_generator import Request, flood  # noqa: E402
from bench.process_usage import cpu_seconds, pss_of_each  # noqa: E402
from bench.servers import DATED, TARGET, Server, cold_start, households, ours, tutorial, under_gunicorn  # noqa: E402
from bench.stack_footprint import facts_of_stack  # noqa: E402

ROUNDS, SECONDS = f.rounds(5), f.seconds(2)
# Each entry contains the name of a baseline, its application in baseline_apps.py, and a flag. The flag is True if the
# baseline runs under the service's worker class.
BASELINES = (
    (f.BARE, "bare", False),
    (f.HELLO, "app", False),
    (f"{f.BARE}, the service's worker", "bare", True),
    (f"{f.HELLO}, the service's worker", "app", True),
)

Case = tuple[Server, Request]


def requests_of(server: Server) -> dict[str, Request]:
    """Return a mapping from names to the requests that measure the service."""
    login, url = server.login, server.url
    made = {
        f.OURS: Request(url + TARGET, (login,)),
        f"{f.OURS}, dated law": Request(url + DATED, (login,)),
        "400 for a wrong parameter": Request(url + "/?married=maybe", (login,), status=400),
        "401 without credentials": Request(url + TARGET, status=401),
        "500 after a failure": Request(url + "/drill", (login,), status=500),
    }
    for count in (1, 100, 10_000):
        batch = households(count)
        as_json = json.dumps(batch).encode()
        lines = [",".join(batch[0]), *(",".join(map(str, one.values())) for one in batch), ""]
        as_csv = "\n".join(lines).encode()
        made[f"batch of {count}, JSON"] = Request(url + "/", (login, "Content-Type: application/json"), as_json)
        kinds = (login, "Content-Type: text/csv", "Accept: text/csv")
        made[f"batch of {count}, CSV"] = Request(url + "/", kinds, as_csv)
    return made


def measure(cases: dict[str, Case], rounds: int = ROUNDS) -> dict[str, dict[str, list[float]]]:
    """Measure each case in interleaved rounds, and return the values of every round.

    `rate` is in requests per second, `p50` and `p99` are latencies in ms, `cpu` is in CPU seconds per 1,000 requests,
    and `client` is the share of a core that the client uses.
    """
    figures: dict[str, dict[str, list[float]]] = {
        name: {"rate": [], "p50": [], "p99": [], "cpu": [], "client": []} for name in cases
    }
    for number in range(rounds + 1):  # round 0 is a warm-up
        for name, (server, request) in cases.items():
            before = cpu_seconds(server.pids)
            load = flood(request, SECONDS if number else SECONDS / 4)
            if number:
                found = figures[name]
                found["rate"].append(load.rate)
                found["p50"].append(load.percentile(0.5))
                found["p99"].append(load.percentile(0.99))
                found["cpu"].append((cpu_seconds(server.pids) - before) / load.requests * 1000)
                found["client"].append(load.client_cpu / load.seconds)
    return figures


def direct() -> dict[str, Any]:
    """Measure all cases without a proxy."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as servers:
        service = servers.enter_context(ours())
        cases: dict[str, Case] = {}
        for name, application, own_worker in BASELINES:
            server = servers.enter_context(under_gunicorn(application, own_worker))
            cases[name] = (server, Request(server.url))
        old = servers.enter_context(tutorial(Path(folder) / "log"))
        cases[f.TUTORIAL] = (old, Request(old.url + TARGET, (old.login,)))
        cases |= {name: (service, request) for name, request in requests_of(service).items()}
        return measure(cases)


def memory_of_a_worker() -> dict[str, float]:
    """Measure the PSS of the largest worker in MiB, after the start and after large JSON and CSV batches."""
    with ours() as service:
        before = max(pss_of_each(service.workers))
        for name, request in requests_of(service).items():
            if "batch of 10000" in name:
                flood(request, SECONDS)
        return {f.BEFORE_BATCH: before, f.AFTER_BATCH: max(pss_of_each(service.workers))}


def proxied() -> dict[str, Any]:
    """Measure the baselines and our GETs in containers behind nginx. Each server has one replica with two workers."""
    with ExitStack() as servers:
        cases: dict[str, Case] = {}
        for name, application, own_worker in BASELINES:
            _, server = servers.enter_context(stack(application, own_worker))
            cases[name] = (server, Request(server.url))
        _, service = servers.enter_context(stack())
        wanted = requests_of(service)
        cases |= {name: (service, wanted[name]) for name in (f.OURS, f"{f.OURS}, dated law")}
        return measure(cases)


def main() -> None:
    """Measure all cases, save the measurements, and write the tables, the chart and the verdict to bench/."""
    facts: dict[str, Any] = {
        "cores": os.cpu_count(),
        "machine": platform.machine(),
        "python": platform.python_version(),
    }
    facts |= {"rounds": ROUNDS, "seconds per measurement": SECONDS}
    facts[f.READY] = [cold_start() for _ in range(ROUNDS)]
    facts |= f.in_rounds(ROUNDS, memory_of_a_worker) | facts_of_stack()
    figures = {f.DIRECT: direct()}
    figures[f.PROXIED] = proxied()
    f.save("bench", {"facts": facts, "figures": figures, "growth": scaling_curves.measure_all()})
    report_tables.write(f.load("bench"))
    performance_goals.publish()


if __name__ == "__main__":
    main()
