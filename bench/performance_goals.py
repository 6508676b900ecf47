"""Compare the measurements in bench/results/ with the targets, and write the verdict to bench/README.md.

A target that is not met does not change the exit code.
"""

import statistics
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from bench import result_files as f  # noqa: E402

COMMANDS = {
    "bench": "make bench",
    "logins": "make bench",
    "alerts": "make bench",
    "peers": "make bench-peers",
    "clients": "make bench-clients",
    "million": "make bench-million",
}
FLAT_FROM, FLAT_TO = "10000", "200000"  # numbers of requests; the verdict compares the memory after both

Values = Callable[[Any], list[float]]


@dataclass(frozen=True, slots=True)
class Target:
    """A limit for the measurements of one results file. `values` returns one value per round.

    The limit is a minimum if `at_least` is true, and a maximum otherwise. If `aim` is true, the limit is a goal and not
    a requirement.
    """

    name: str
    file: str
    values: Values
    limit: float
    at_least: bool = True
    aim: bool = False
    form: str = ".2f"

    def line(self) -> str:
        """Return a line with the median, the range of the values, the limit, and whether the median meets the limit."""
        try:
            values = self.values(f.load(self.file))
        except (FileNotFoundError, KeyError):
            return f"{self.name}: not measured, run {COMMANDS[self.file]}"
        middle = statistics.median(values)
        met = middle >= self.limit if self.at_least else middle <= self.limit
        wish = f"{'goal' if self.aim else 'required'} {'>=' if self.at_least else '<='} {self.limit:,g}"
        rounds = "in 1 round" if len(values) == 1 else f"in {len(values)} rounds"
        return f"{self.name}: {f.spread(values, self.form)} {rounds}, {wish}, {'met' if met else 'NOT MET'}"


def of(where: str, other: str, what: str = "rate") -> Values:
    """Return a function that divides the values of our GET by the values of another server."""
    return lambda found: f.ratios(found["figures"][where][f.OURS][what], found["figures"][where][other][what])


def fact(name: str) -> Values:
    """Return a function that selects the values of a fact of `make bench`."""
    return lambda found: found["facts"][name]


def batches(found: Any) -> list[float]:
    """Return the households per second in batches of 10,000."""
    return [10_000 * rate for rate in found["figures"][f.DIRECT][f.LARGE_BATCH]["rate"]]


def growth_of_memory(found: Any) -> list[float]:
    """Return the growth of the largest worker's memory in MiB between FLAT_FROM and FLAT_TO requests."""
    memory = found["growth"][f.OVER_REQUESTS]
    return [late - early for early, late in zip(memory[FLAT_FROM], memory[FLAT_TO], strict=True)]


def beside_openfisca(how: str) -> Values:
    """Return a function that divides the service's households per second by OpenFisca's households per second."""
    return lambda found: f.ratios(*(found["households_per_second"][how][who] for who in (f.SERVICE, f.OPENFISCA)))


def beside(client: str) -> Values:
    """Return a function that divides the requests per CPU second of `tax-client flood` by those of another client."""
    return lambda found: f.ratios(*(found["requests_per_processor_second"][who] for who in (f.FLOOD, client)))


def times(one: str, other: str) -> Values:
    """Return a function that divides the latencies of one case by the latencies of another case."""
    return lambda found: f.ratios(found["milliseconds"][one], found["milliseconds"][other])


def apart(found: Any) -> list[float]:
    """Return larger / smaller latency of a 401 for each round. A round has one known and one unknown login name."""
    return [max(ratio, 1 / ratio) for ratio in times("known", "unknown")(found)]


def of_million(name: str) -> Values:
    """Return a function that selects a measurement of the million lines by the dated law."""
    return lambda found: [found[f.DATED_LINES][name]]


TARGETS = (
    Target("rate of our GET through nginx / rate of Flask hello world", "bench", of(f.PROXIED, f.HELLO), 0.85),
    Target("rate of our GET through nginx / rate of Flask hello world", "bench", of(f.PROXIED, f.HELLO), 1.2, aim=True),
    Target("rate of our GET through nginx / rate of bare WSGI", "bench", of(f.PROXIED, f.BARE), 0.7),
    Target(
        "p99 of our GET through nginx / p99 of Flask hello world", "bench", of(f.PROXIED, f.HELLO, "p99"), 1.5, False
    ),
    Target("rate of our GET / rate of the tutorial server", "bench", of(f.DIRECT, f.TUTORIAL), 5),
    Target(
        "rate with 1 household per request / rate of OpenFisca", "peers", beside_openfisca(f.SINGLE), 130, form=",.0f"
    ),
    Target(
        "rate with 1,000 households per request / rate of OpenFisca",
        "peers",
        beside_openfisca(f.SEVERAL),
        100,
        form=",.0f",
    ),
    Target("households per second in batches of 10,000", "bench", batches, 300_000, aim=True, form=",.0f"),
    Target("MiB of the largest worker before its first batch", "bench", fact(f.BEFORE_BATCH), 60, False, form=".1f"),
    Target("MiB of the largest worker after large batches", "bench", fact(f.AFTER_BATCH), 85, False, form=".1f"),
    Target(
        "MiB of growth of the largest worker between 10,000 and 200,000 requests",
        "bench",
        growth_of_memory,
        1,
        False,
        form=".1f",
    ),
    Target("slower / faster latency of a 401, for a known and an unknown login name", "logins", apart, 1.05, False),
    Target(
        "latency of a 500 with a hanging mail server / with a working mail server",
        "alerts",
        times("hangs", "works"),
        1.2,
        False,
    ),
    Target(
        "seconds until the first alert e-mail", "alerts", lambda found: found["seconds until the first mail"], 5, False
    ),
    Target("seconds from start to ready", "bench", fact(f.READY), 1.5, False),
    Target("seconds of `make up`", "bench", fact(f.UP), 20, False, form=".1f"),
    Target("requests per CPU second of tax-client flood / of Locust", "clients", beside(f.LOCUST), 4),
    Target("requests per CPU second of tax-client flood / of hey", "clients", beside(f.HEY), 1),
    Target("MiB of the client with a million lines", "million", of_million("client MiB"), 200, False, form=".0f"),
    Target("seconds of a million lines", "million", of_million("seconds"), 15, False, aim=True, form=".1f"),
)


def publish() -> None:
    """Print the verdict and write it to bench/README.md."""
    f.put("verdict", "\n".join(f"- {target.line()}" for target in TARGETS))


if __name__ == "__main__":
    publish()
