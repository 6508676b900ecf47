"""A run as a JSON file: what `compare` and `merge` read, and programs of others."""

from dataclasses import asdict
from typing import Any

import orjson

from .counters import COUNTS, Tally
from .histogram import Latencies
from .run import Run

FORMAT = "tax-client flood 1"
PERCENTS = (50.0, 90.0, 95.0, 99.0, 99.9)


def content_of(run: Run) -> dict[str, Any]:
    """The run as values of JSON; latencies in milliseconds, and whole as HdrHistogram encodes them (microseconds)."""
    total = run.total
    return {
        "format": FORMAT,
        "started": run.started,
        "elapsed_seconds": run.elapsed,
        "planned_seconds": run.length,
        "measured_from_seconds": run.measured_from,
        "measured_until_seconds": run.measured_until,
        "answers_per_second": run.rate,
        "clients": run.clients,
        "interrupted_by": run.interrupted_by,
        "ended_badly": run.ended_badly,
        "remarks": run.remarks,
        "client_cores": run.cores,
        "client_load": run.client_load,
        "settings": run.settings,
        "machine": run.machine,
        "latency_ms": figures(total.latencies),
        "latency_from_send_ms": figures(total.unpaced) if total.unpaced.total else None,
        "total": content_of_tally(total) | {"examples": total.examples, "wrongs": [asdict(w) for w in total.wrongs]},
        "interval_seconds": run.interval,
        "intervals": [
            {"number": number, "flying": part.flying, **figures(part.tally.latencies), **content_of_tally(part.tally)}
            for number, part in sorted(run.intervals.items())
        ],
    }


def figures(latencies: Latencies) -> dict[str, float]:
    """The usual percentiles, mean and maximum, in milliseconds."""
    names = [f"p{percent:g}" for percent in PERCENTS]
    found = dict(zip(names, latencies.percentiles(PERCENTS), strict=True))
    return found | {"max": latencies.max, "mean": round(latencies.mean, 3)}


def content_of_tally(tally: Tally) -> dict[str, Any]:
    """The counts of a tally, its failures by kind, its histograms."""
    counts = {name: getattr(tally, name) for name in COUNTS}
    kinds = {"failures": dict(tally.failures), "retried": dict(tally.retried)}
    return counts | kinds | {"latencies": encoded(tally.latencies), "unpaced": encoded(tally.unpaced)}


def encoded(latencies: Latencies) -> str | None:
    """A histogram as text; None when it is empty."""
    return latencies.encode() if latencies.total else None


def json_of(run: Run) -> bytes:
    """The file."""
    return orjson.dumps(content_of(run), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
