"""What the bench keeps and how it says it: raw figures in bench/results/, and its parts of bench/README.md."""

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
DIGITS = 5  # of a figure that is kept

# Names of figures that both those who measure and the verdict use.
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
    """How many rounds: BENCH_ROUNDS, or as usual."""
    return int(os.environ.get("BENCH_ROUNDS", usual))


def seconds(usual: float) -> float:
    """How long a measurement takes: BENCH_SECONDS, or as usual."""
    return float(os.environ.get("BENCH_SECONDS", usual))


def in_rounds(count: int, one_round: Callable[[], dict[str, T]]) -> dict[str, list[T]]:
    """What a round measures at each of its points, once for each round."""
    found = [one_round() for _ in range(count)]
    return {point: [figures[point] for figures in found] for point in found[0]}


def ratios(ones: Sequence[float], others: Sequence[float]) -> list[float]:
    """The ratios within each round."""
    return [one / other for one, other in zip(ones, others, strict=True)]


def spread(values: Sequence[float], form: str = ",.0f") -> str:
    """The median, with the lowest and the highest when there are several."""
    middle = format(statistics.median(values), form)
    return middle if len(values) == 1 else f"{middle} ({min(values):{form}} to {max(values):{form}})"


def save(name: str, content: dict[str, Any]) -> None:
    """Keep figures in bench/results; the figures of all rounds on one line, with five digits each."""
    text = json.dumps(short(content), indent=1)
    text = LIST.sub(lambda found: "[" + " ".join(found[1].split()) + "]", text)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(text + "\n", encoding="utf-8")


def short(content: Any) -> Any:
    """The same with fewer digits."""
    if isinstance(content, dict):
        return {name: short(value) for name, value in content.items()}
    if isinstance(content, list):
        return [short(value) for value in content]
    return float(f"{content:.{DIGITS}g}") if isinstance(content, float) else content


def load(name: str) -> Any:
    """The figures as they were kept; FileNotFoundError when they never were."""
    return json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))


def put(part: str, text: str) -> None:
    """Print a text, and set it in place of that part of the page; LookupError when the page does not mark it."""
    print(text)
    begin, end = f"<!-- {part}: begin -->", f"<!-- {part}: end -->"
    head, begun, rest = PAGE.read_text(encoding="utf-8").partition(begin)
    _, ended, tail = rest.partition(end)
    if not (begun and ended):
        raise LookupError(f"{PAGE} has no part between {begin} and {end}: set these two lines where it belongs")
    PAGE.write_text(f"{head}{begin}\n\n{text}\n\n{end}{tail}", encoding="utf-8")


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown."""
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (head, ["---"] * len(head), *rows))
