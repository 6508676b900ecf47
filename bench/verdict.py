"""Publish the verdict: each target, its measured value from bench/results/, and whether the target is met.

A target that is not met is reported, but does not change the exit code.
"""

import statistics
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from bench import figures as f  # noqa: E402

COMMANDS = {
    "bench": "make bench",
    "logins": "make bench",
    "alerts": "make bench",
    "peers": "make bench-peers",
    "clients": "make bench-clients",
    "million": "make bench-million",
}
FLAT_FROM, FLAT_TO = "10000", "200000"  # numbers of requests between which a worker's memory must not grow

Values = Callable[[Any], list[float]]


@dataclass(frozen=True, slots=True)
class Target:
    """A required value, or an aim, for the figures of one file. `values` returns one value per round."""

    name: str
    file: str
    values: Values
    limit: float
    at_least: bool = True
    aim: bool = False
    form: str = ".2f"

    def line(self) -> str:
        """Describe the measured value and whether its median meets the target."""
        try:
            values = self.values(f.load(self.file))
        except (FileNotFoundError, KeyError):
            return f"{self.name}: not measured: {COMMANDS[self.file]}"
        middle = statistics.median(values)
        met = middle >= self.limit if self.at_least else middle <= self.limit
        wish = f"{'aimed at' if self.aim else 'wanted'} {'>=' if self.at_least else '<='} {self.limit:,g}"
        rounds = "once" if len(values) == 1 else f"in {len(values)} rounds"
        return f"{self.name}: {f.spread(values, self.form)} {rounds}, {wish}: {'met' if met else 'NOT MET'}"


def of(where: str, other: str, what: str = "rate") -> Values:
    """Return the ratios of our GET's figures to another server's figures."""
    return lambda found: f.ratios(found["figures"][where][f.OURS][what], found["figures"][where][other][what])


def fact(name: str) -> Values:
    """Return the values of a fact about the service."""
    return lambda found: found["facts"][name]


def batches(found: Any) -> list[float]:
    """Return households per second in batches of 10,000."""
    return [10_000 * rate for rate in found["figures"][f.DIRECT][f.LARGE_BATCH]["rate"]]


def growth_of_memory(found: Any) -> list[float]:
    """Return the growth of the largest worker's memory in MiB, from few to many requests."""
    memory = found["growth"][f.OVER_REQUESTS]
    return [late - early for early, late in zip(memory[FLAT_FROM], memory[FLAT_TO], strict=True)]


def beside_openfisca(how: str) -> Values:
    """Return the ratios of the service's households per second to OpenFisca's."""
    return lambda found: f.ratios(*(found["households_per_second"][how][who] for who in (f.SERVICE, f.OPENFISCA)))


def beside(client: str) -> Values:
    """Return the ratios of the flood's requests per CPU second to another load generator's."""
    return lambda found: f.ratios(*(found["requests_per_processor_second"][who] for who in (f.FLOOD, client)))


def times(one: str, other: str) -> Values:
    """Return the ratios of one case's milliseconds to another case's milliseconds."""
    return lambda found: f.ratios(found["milliseconds"][one], found["milliseconds"][other])


def apart(found: Any) -> list[float]:
    """Return the ratios of the slower to the faster 401, of a known and an unknown login."""
    return [max(ratio, 1 / ratio) for ratio in times("known", "unknown")(found)]


def of_million(name: str) -> Values:
    """Return a figure of the million-line file under the dated law."""
    return lambda found: [found[f.DATED_LINES][name]]


TARGETS = (
    Target("GET through nginx, of Flask hello world's rate", "bench", of(f.PROXIED, f.HELLO), 0.85),
    Target("GET through nginx, of Flask hello world's rate", "bench", of(f.PROXIED, f.HELLO), 1.2, aim=True),
    Target("GET through nginx, of bare WSGI's rate", "bench", of(f.PROXIED, f.BARE), 0.7),
    Target("GET through nginx, of Flask hello world's p99", "bench", of(f.PROXIED, f.HELLO, "p99"), 1.5, False),
    Target("GET, of the rate of the tutorial's way", "bench", of(f.DIRECT, f.TUTORIAL), 5),
    Target("one household a request, of OpenFisca's rate", "peers", beside_openfisca(f.SINGLE), 130, form=",.0f"),
    Target("households in batches, of OpenFisca's rate", "peers", beside_openfisca(f.SEVERAL), 100, form=",.0f"),
    Target("households/s in batches of 10,000", "bench", batches, 300_000, aim=True, form=",.0f"),
    Target("MiB of the largest worker before its first batch", "bench", fact(f.BEFORE_BATCH), 60, False, form=".1f"),
    Target("MiB of the largest worker after large batches", "bench", fact(f.AFTER_BATCH), 85, False, form=".1f"),
    Target("MiB more after 200,000 requests than after 10,000", "bench", growth_of_memory, 1, False, form=".1f"),
    Target("the slower of a known and an unknown login's 401, of the other", "logins", apart, 1.05, False),
    Target("a 500 while the mail server hangs, of while it works", "alerts", times("hangs", "works"), 1.2, False),
    Target(
        "seconds until a failure is mailed", "alerts", lambda found: found["seconds until the first mail"], 5, False
    ),
    Target("seconds from nothing to ready", "bench", fact(f.READY), 1.5, False),
    Target("seconds of `make up`", "bench", fact(f.UP), 20, False, form=".1f"),
    Target("requests a processor second, of Locust's", "clients", beside(f.LOCUST), 4),
    Target("requests a processor second, of hey's", "clients", beside(f.HEY), 1),
    Target("MiB of the client with a million lines", "million", of_million("client MiB"), 200, False, form=".0f"),
    Target("seconds of a million lines", "million", of_million("seconds"), 15, False, aim=True, form=".1f"),
)


def publish() -> None:
    """Print the verdict on each target and write it to the page."""
    f.put("verdict", "\n".join(f"- {target.line()}" for target in TARGETS))


if __name__ == "__main__":
    publish()
