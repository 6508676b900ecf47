"""`make bench-clients`: compare `tax-client flood` with Locust's FastHttpUser and with hey, against one static nginx.

The metric is requests per CPU second of the load generator, excluding the CPU time of its start. nginx counts the
requests. `tax-client flood` checks every response, gives each request an id, and keeps a histogram of latencies. Locust
and hey do not check responses.
"""

import json
import os
import platform
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from bench import performance_goals  # noqa: E402
from bench import result_files as f  # noqa: E402
from bench.static_nginx import served, static_nginx  # noqa: E402
from bench.venvs import installed  # noqa: E402

ROUNDS, SECONDS = f.rounds(5), max(1, round(f.seconds(6)))  # Locust accepts only whole seconds
CONNECTIONS = "32"
QUERY = "married=yes&children=2&salary=55555"
EXPECTED = {"married": "yes", "children": 2, "salary": 55555, "tax": 2814}
ANSWER = json.dumps({"response": {"result": EXPECTED}}, separators=(",", ":"))


@dataclass(frozen=True)
class Client:
    """A load generator. `command` runs the measured load. `start` runs a minimal load, to measure the start."""

    command: list[str]
    start: list[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    start_environment: Mapping[str, str] = field(default_factory=dict)

    def run(self) -> float:
        """Run the measured load and return the CPU seconds of all its processes."""
        return processor_seconds(self.command, self.environment)

    def run_start(self) -> float:
        """Run the program with a minimal load and return the CPU seconds of all its processes."""
        return processor_seconds(self.start, {**self.environment, **self.start_environment})


def processor_seconds(command: list[str], environment: Mapping[str, str]) -> float:
    """Run a command and return the CPU seconds of all its processes."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    finished = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=False)
    if finished.returncode:
        sys.exit(f"{' '.join(command)}: exit code {finished.returncode}\n{finished.stdout}\n{finished.stderr}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def clients(url: str, folder: Path) -> dict[str, Client]:
    """Return a mapping from names to load generators. Skip hey if it is not installed."""
    (folder / "workload.jsonl").write_text(json.dumps({"query": QUERY, "expected": EXPECTED}) + "\n")
    (folder / "credentials").write_text("client:secret\n")
    flood = [str(Path(sys.executable).parent / "tax-client"), "flood", "--url", url, "--threads", CONNECTIONS]
    flood += ["--credentials-file", str(folder / "credentials"), "--log-file", str(folder / "log")]
    flood += ["--workload", str(folder / "workload.jsonl"), "--processes", "1"]
    swarm = [
        str(installed("clients", "locust")),
        "-f",
        str(ROOT / "bench/locustfile.py"),
        "--headless",
        "--host",
        url,
        "--only-summary",
    ]
    swarm += ["-r", CONNECTIONS]
    target = {"BENCH_TARGET": f"/?{QUERY}"}
    found = {
        f.FLOOD: Client([*flood, "--duration", f"{SECONDS}"], [*flood, "--requests", "1"]),
        f.LOCUST: Client(
            [*swarm, "-u", CONNECTIONS, "-t", f"{SECONDS}s"],
            [*swarm, "-u", "1", "-t", "1s"],
            target,
            {"BENCH_WAIT": "60"},
        ),
    }
    if shutil.which("hey"):
        hey = ["hey", "-c", CONNECTIONS]
        asked = f"{url}/?{QUERY}"
        found[f.HEY] = Client([*hey, "-z", f"{SECONDS}s", asked], [*hey, "-n", CONNECTIONS, asked])
    else:
        print("hey is not installed, so this run skips it. Install it with `apt-get install hey`.")
    return found


def measure(url: str, folder: Path) -> dict[str, list[float]]:
    """Measure the requests per CPU second of each load generator in interleaved rounds."""
    found = clients(url, folder)
    starts = {one: statistics.median(client.run_start() for _ in range(3)) for one, client in found.items()}

    def requests_per_second(one: str) -> float:
        before = served(url)
        seconds = found[one].run() - starts[one]
        return (served(url) - before) / seconds

    return f.in_rounds(ROUNDS, lambda: {one: requests_per_second(one) for one in found})


def page(content: dict[str, Any]) -> str:
    """Return the Markdown text about load generators for bench/README.md."""
    figures = content["requests_per_processor_second"]
    rows = []
    for name, values in figures.items():
        times = "" if name == f.FLOOD else f"{f.spread(f.ratios(figures[f.FLOOD], values), '.2f')} x"
        rows.append((f"{name} {content['versions'].get(name, '')}".strip(), f.spread(values), times))
    told = f"The values are from {content['rounds']} interleaved rounds of {content['seconds']} s"
    head = ("", "requests per CPU second, median (lowest to highest)", f"value of {f.FLOOD} / this value")
    return f"{told} on {content['cores']} cores with Python {content['python']}.\n\n{f.table(head, rows)}"


def main() -> None:
    """Measure the load generators, save the measurements, and write table and verdict to bench/README.md."""
    with tempfile.TemporaryDirectory() as name, static_nginx(Path(name), ANSWER) as url:
        figures = measure(url, Path(name))
    locked = re.search(r"^locust==(\S+)", (ROOT / "bench/clients.lock").read_text(encoding="utf-8"), re.MULTILINE)
    facts: dict[str, Any] = {
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "rounds": ROUNDS,
        "seconds": SECONDS,
    }
    facts |= {"versions": {f.LOCUST: locked[1] if locked else ""}}
    f.save("clients", facts | {"requests_per_processor_second": figures})
    f.put("clients", page(f.load("clients")))
    performance_goals.publish()


if __name__ == "__main__":
    main()
