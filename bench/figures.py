"""Save and load the figures in bench/results/, format them, and write them to bench/README.md."""

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
DIGITS = 5  # significant digits of a saved figure

# Names of figures, shared by the measuring modules and the verdict.
OURS, BARE, HELLO, TUTORIAL = "our GET", "bare WSGI", "Flask hello world", "the tutorial's way"
DIRECT, PROXIED = "direct", "through nginx"
LARGE_BATCH = "batch of 10000, JSON"
READY, UP = "seconds from nothing to ready", "seconds of `make up`, two replicas, images built, fresh volume"
BEFORE_BATCH = "PSS of the largest worker before its first batch, MiB"
AFTER_BATCH = "PSS of the largest worker after batches of 10,000, MiB"
OVER_REQUESTS = "requests answered, MiB of the largest worker"
SERVICE, OPENFISCA, SINGLE, SEVERAL = "this service", "OpenFisca's web API", "one a request", "1,000 a request"
FLOOD, LOCUST, HEY = "tax-client flood", "Locust, FastHttpUser", "hey"
DATED_LINES = "the law of 2024"

T = TypeVar("T")


def rounds(usual: int) -> int:
    """Return the number of rounds from BENCH_ROUNDS, or `usual` if the variable is not set."""
    return int(os.environ.get("BENCH_ROUNDS", usual))


def seconds(usual: float) -> float:
    """Return the duration of a measurement from BENCH_SECONDS, or `usual` if the variable is not set."""
    return float(os.environ.get("BENCH_SECONDS", usual))


def in_rounds(count: int, one_round: Callable[[], dict[str, T]]) -> dict[str, list[T]]:
    """Run `count` rounds and return the list of figures of each measured point, one figure per round."""
    found = [one_round() for _ in range(count)]
    return {point: [figures[point] for figures in found] for point in found[0]}


def ratios(ones: Sequence[float], others: Sequence[float]) -> list[float]:
    """Divide each figure by the figure of the same round, and return the ratios."""
    return [one / other for one, other in zip(ones, others, strict=True)]


def spread(values: Sequence[float], form: str = ",.0f") -> str:
    """Format the median, followed by the lowest and highest value if there are several values."""
    middle = format(statistics.median(values), form)
    return middle if len(values) == 1 else f"{middle} ({min(values):{form}} to {max(values):{form}})"


def save(name: str, content: dict[str, Any]) -> None:
    """Write figures to bench/results/NAME.json, one list per line, with five significant digits."""
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
    """Return saved figures. Raises FileNotFoundError if the figures were never saved."""
    return json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))


def put(part: str, text: str) -> None:
    """Print a text and replace a part of the page with it. Raises LookupError if the page does not mark the part."""
    print(text)
    begin, end = f"<!-- {part}: begin -->", f"<!-- {part}: end -->"
    head, begun, rest = PAGE.read_text(encoding="utf-8").partition(begin)
    _, ended, tail = rest.partition(end)
    if not (begun and ended):
        raise LookupError(f"{PAGE} has no part between {begin} and {end}: set these two lines where it belongs")
    PAGE.write_text(f"{head}{begin}\n\n{text}\n\n{end}{tail}", encoding="utf-8")


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Format a table in Markdown."""
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (head, ["---"] * len(head), *rows))
