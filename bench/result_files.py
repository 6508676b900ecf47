"""Save measurements to bench/results/, load and format them, and write texts to bench/README.md."""

import json
import os
import re
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

ROOT = Path(__file__).parents[1]
PAGE, RESULTS = ROOT / "bench/README.md", ROOT / "bench/results"
LIST = re.compile(r"\[\s+([^\[\]{}]+?)\s+\]")
DIGITS = 5  # significant digits of a saved number

# Names of measurements in the results files. The benchmarks write them, and the verdict reads them.
OURS, BARE, HELLO, TUTORIAL = "our GET", "bare WSGI", "Flask hello world", "tutorial server"
DIRECT, PROXIED = "direct", "through nginx"
LARGE_BATCH = "batch of 10000, JSON"
READY = "seconds from start to ready"
UP = "seconds of `make up` with two replicas, built images and fresh volumes"
BEFORE_BATCH = "PSS of the largest worker before its first batch, MiB"
AFTER_BATCH = "PSS of the largest worker after batches of 10,000, MiB"
OVER_REQUESTS = "requests, MiB of the largest worker"
SERVICE, OPENFISCA = "this service", "OpenFisca's web API"
SINGLE, SEVERAL = "1 household per request", "1,000 households per request"
FLOOD, LOCUST, HEY = "tax-client flood", "Locust, FastHttpUser", "hey"
DATED_LINES = "the law of 2024"

T = TypeVar("T")


def rounds(usual: int) -> int:
    """Return the number of rounds from the environment variable BENCH_ROUNDS, or `usual` if it is not set."""
    return int(os.environ.get("BENCH_ROUNDS", usual))


def seconds(usual: float) -> float:
    """Return the seconds of a measurement from the environment variable BENCH_SECONDS, or `usual` if it is not set."""
    return float(os.environ.get("BENCH_SECONDS", usual))


def in_rounds(count: int, one_round: Callable[[], dict[str, T]]) -> dict[str, list[T]]:
    """Run `count` rounds. Return a mapping from each name to its measurements, one per round."""
    found = [one_round() for _ in range(count)]
    return {point: [figures[point] for figures in found] for point in found[0]}


def ratios(ones: Sequence[float], others: Sequence[float]) -> list[float]:
    """Divide each value of `ones` by the value of `others` in the same round."""
    return [one / other for one, other in zip(ones, others, strict=True)]


def spread(values: Sequence[float], form: str = ",.0f") -> str:
    """Format the median. If there are several values, add the lowest and the highest."""
    middle = format(statistics.median(values), form)
    return middle if len(values) == 1 else f"{middle} ({min(values):{form}} to {max(values):{form}})"


def save(name: str, content: dict[str, Any]) -> None:
    """Write measurements to bench/results/NAME.json, with one line per list and five significant digits per number."""
    text = json.dumps(short(content), indent=1)
    text = LIST.sub(lambda found: "[" + " ".join(found[1].split()) + "]", text)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(text + "\n", encoding="utf-8")


def short(content: Any) -> Any:
    """Round all floats in a JSON value to five significant digits."""
    if isinstance(content, dict):
        return {name: short(value) for name, value in content.items()}
    if isinstance(content, list):
        return [short(value) for value in content]
    return float(f"{content:.{DIGITS}g}") if isinstance(content, float) else content


def load(name: str) -> Any:
    """Load bench/results/NAME.json. Raises FileNotFoundError if the file does not exist."""
    return json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))


def put(part: str, text: str) -> None:
    """Print a text, and write it to bench/README.md between the two marks of a part.

    Raises LookupError if the file lacks a mark.
    """
    print(text)
    begin, end = f"<!-- {part}: begin -->", f"<!-- {part}: end -->"
    head, begun, rest = PAGE.read_text(encoding="utf-8").partition(begin)
    _, ended, tail = rest.partition(end)
    if not (begun and ended):
        raise LookupError(f"{PAGE} lacks the line {begin} or {end}. Add both lines around the part.")
    PAGE.write_text(f"{head}{begin}\n\n{text}\n\n{end}{tail}", encoding="utf-8")


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Format a table in Markdown."""
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (head, ["---"] * len(head), *rows))
