"""The JSON report of a run, which `compare`, `merge` and other programs read. The parser checks every value."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any, Self

import orjson

from tax_common.latency_histogram import LatencyHistogram
from tax_common.text_formatting import truncate

from .answer_check import WrongAnswer
from .coordinator import COARSER
from .outcome_counters import REPORT_INTERVAL, SUMS, Counters, decode_histogram, encode_histogram
from .run_results import Interval, Run, compute_figures

FORMAT = "tax-client flood 1"
LATEST = 1e11  # latest time in a report, in seconds since 1970
LONGEST = 1e9  # longest duration of a run in a report, in seconds
NUMBERS = (int, float)  # bool is excluded, although it is a subclass of int
COUNT_MAX = 2**53  # JSON readers represent integers up to this value exactly
INTERVALS = [REPORT_INTERVAL * COARSER**n for n in range(10)]


class Fields:
    """A JSON object that checks each value on access. A bad value causes a ValueError with the path of the value."""

    def __init__(self, content: object, path: str = "") -> None:
        if not isinstance(content, dict):
            raise build_refusal(path or "content", "an object", content)
        self.values: dict[str, Any] = content
        self._path = path

    def join_path(self, name: str) -> str:
        """Return the path of the member `name`."""
        return f"{self._path}.{name}" if self._path else name

    def read(self, name: str, expected: str, is_valid: Callable[[Any], bool] = lambda _: True) -> Any:
        """Return the value of the member `name` if `is_valid` accepts the value."""
        if name not in self.values:
            raise ValueError(f"{self.join_path(name)} is missing")
        if not is_valid(self.values[name]):
            raise build_refusal(self.join_path(name), expected, self.values[name])
        return self.values[name]

    def read_number(self, name: str, low: float, high: float) -> float:
        """Return the value of the member `name`, which must be a number from `low` to `high`."""
        expected = f"a number from {low:g} to {high:g}"
        return float(self.read(name, expected, lambda value: type(value) in NUMBERS and low <= value <= high))

    def read_whole(self, name: str, low: int = 0, high: int = COUNT_MAX) -> int:
        """Return the value of the member `name`, which must be a whole number from `low` to `high`."""
        expected = f"a whole number from {low} to {high}"
        return int(self.read(name, expected, lambda value: type(value) is int and low <= value <= high))

    def read_text(self, name: str) -> str:
        """Return the value of the member `name`, which must be a string."""
        return str(self.read(name, "a string", lambda value: isinstance(value, str)))

    def read_texts(self, name: str) -> list[str]:
        """Return the value of the member `name`, which must be an array of strings."""
        return list(
            self.read(
                name, "an array of strings", lambda values: isinstance(values, list) and {*map(type, values)} <= {str}
            )
        )

    def read_object(self, name: str) -> Self:
        """Return the value of the member `name`, which must be an object."""
        return type(self)(self.read(name, "an object"), self.join_path(name))

    def read_objects(self, name: str) -> Iterator[Self]:
        """Yield the items of the member `name`, which must be an array of objects."""
        values = self.read(name, "an array of objects", lambda value: isinstance(value, list))
        return (type(self)(value, f"{self.join_path(name)}[{n}]") for n, value in enumerate(values))

    def read_counts(self, name: str) -> Counter[str]:
        """Return the value of the member `name`, which must be an object whose values are counts."""
        counts = self.read_object(name)
        return Counter({kind: counts.read_whole(kind) for kind in counts.values})


def build_refusal(path: str, expected: str, value: object) -> ValueError:
    """Build the error for an unexpected value."""
    return ValueError(f"{path}: expected {expected}, found [{truncate(orjson.dumps(value).decode(), 60, '...')}]")


def number_reader(low: float, high: float) -> Callable[[Fields, str], float]:
    """Build a function that reads a number from `low` to `high`."""
    return lambda content, name: content.read_number(name, low, high)


def read_planned(content: Fields, name: str) -> float | None:
    """Return the planned duration in seconds, or None for null, which means that no duration was planned."""
    return None if content.read(name, "a number") is None else content.read_number(name, 0.001, LONGEST)


# Maps an attribute of Run to the name of its field in the file, and to the function that reads the field.
RUN_FIELDS: dict[str, tuple[str, Callable[[Fields, str], Any]]] = {
    "started": ("started", number_reader(0, LATEST)),
    "elapsed": ("elapsed_seconds", number_reader(0, LONGEST)),
    "length": ("planned_seconds", read_planned),
    "measured_from": ("measured_from_seconds", number_reader(0, LONGEST)),
    "measured_until": ("measured_until_seconds", number_reader(0, LONGEST)),
    "clients": ("clients", lambda content, name: content.read_whole(name, 1)),
    "interrupted_by": ("interrupted_by", lambda content, name: content.read_whole(name, 0, 64)),
    "ended_badly": ("ended_badly", Fields.read_texts),
    "remarks": ("remarks", Fields.read_texts),
    "cores": ("client_cores", number_reader(0.001, 1e6)),
    "settings": ("settings", lambda content, name: content.read_object(name).values),
    "machine": ("machine", lambda content, name: content.read_object(name).values),
    "interval": (
        "interval_seconds",
        lambda content, name: content.read(
            name, f"one of {INTERVALS}", lambda value: type(value) in NUMBERS and value in INTERVALS
        ),
    ),
}


def build_content(run: Run) -> dict[str, Any]:
    """Build the content of a report. Latencies are in milliseconds, but encoded HdrHistograms are in microseconds."""
    total = run.total
    from_send = total.latencies_from_send
    return {
        "format": FORMAT,
        **{name: getattr(run, attribute) for attribute, (name, _) in RUN_FIELDS.items()},
        "answers_per_second": run.rate,
        "client_load": run.client_load,
        "latency_ms": compute_figures(total.latencies),
        "latency_from_send_ms": compute_figures(from_send) if from_send.total else None,
        "total": build_counts(total) | {"examples": total.examples, "wrongs": [asdict(one) for one in total.wrongs]},
        "intervals": [
            {
                "number": number,
                "flying": interval.in_flight,
                **compute_figures(interval.counters.latencies),
                **build_counts(interval.counters),
            }
            for number, interval in sorted(run.intervals.items())
        ],
    }


def build_counts(counters: Counters) -> dict[str, Any]:
    """Build the fields of a report that contain the values of counters."""
    counts = {name: getattr(counters, name) for name in SUMS}
    kinds = {"failures": dict(counters.failures), "retried": dict(counters.retried)}
    histograms = {"latencies": counters.latencies, "unpaced": counters.latencies_from_send}
    return counts | kinds | {name: encode_histogram(each) for name, each in histograms.items()}


def write_json(run: Run) -> bytes:
    """Serialize the JSON report of a run."""
    return orjson.dumps(build_content(run), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def parse_run(content: Fields) -> Run:
    """Parse a run from a report. Raises ValueError for a bad value."""
    content.read("format", FORMAT, lambda value: value == FORMAT)
    run = Run(**{attribute: read(content, name) for attribute, (name, read) in RUN_FIELDS.items()})
    total = content.read_object("total")
    run.total = parse_counters(total)
    examples = total.read_object("examples")
    run.total.examples = {kind: examples.read_text(kind) for kind in examples.values}
    run.total.wrongs = [
        WrongAnswer(one.read_whole("number"), *map(one.read_text, ("request_id", "query", "difference")))
        for one in total.read_objects("wrongs")
    ]
    for one in content.read_objects("intervals"):
        number = one.read_whole("number", 0, int(LONGEST / REPORT_INTERVAL))
        run.intervals[number] = Interval(parse_counters(one), one.read_whole("flying"))
    return run


def parse_counters(content: Fields) -> Counters:
    """Parse counters from an object in a report. Raises ValueError for a bad value."""
    counters = Counters(cpu=content.read_number("cpu", 0, LONGEST))
    for name in SUMS:
        if name != "cpu":
            setattr(counters, name, content.read_whole(name))
    counters.failures, counters.retried = content.read_counts("failures"), content.read_counts("retried")
    counters.latencies = parse_latencies(content, "latencies")
    counters.latencies_from_send = parse_latencies(content, "unpaced")
    return counters


def parse_latencies(content: Fields, name: str) -> LatencyHistogram:
    """Parse a histogram. The value null means no latencies. Raises ValueError for a bad value."""
    if content.read(name, "a string") is None:
        return LatencyHistogram()
    try:
        return decode_histogram(content.read_text(name))
    except ValueError as error:
        raise ValueError(f"{content.join_path(name)}: {error}") from None
