"""The plain-text reports. They are the summary of a run and the comparison of two runs."""

import math
from collections.abc import Iterator

from tax_client.console import layout_table
from tax_common.latency_histogram import LatencyHistogram
from tax_common.text_formatting import escape_controls

from .run_results import Run, compute_figures
from .run_verdict import list_failures, list_warnings

WRONG_SHOWN = 10  # maximum number of wrong answers in the summary; the JSON report lists more
PERCENTS = (50.0, 95.0, 99.0)
NO_ANSWER = "no answer"  # replaces each value that no answer supports


def summarize(run: Run) -> str:
    """Format the counts, throughput, latencies, errors by kind, wrong answers and warnings of a run as lines."""
    total = run.total
    lost = [f", {n} {what}" for n, what in ((total.unanswered, "unanswered"), (total.unsent, "never sent")) if n]
    counts = f"{total.sent} sent, {total.right} right, {total.wrong} wrong, {total.failed} failed{''.join(lost)}"
    reasons = ", ".join(f"{count} {kind}" for kind, count in total.retried.most_common())
    from_send = total.latencies_from_send
    lines = [
        f"requests    {counts}",
        *([f"retries     {total.retries} ({reasons})"] if total.retries else []),
        f"throughput  {format_throughput(run)}",
        f"latency     {format_latencies(total.latencies)}",
        *([f"from send   {format_latencies(from_send)}"] if from_send.total else []),
        f"client      {run.client_load:.0%} of {run.cores:g} core(s)",
        *(f"errors      {count} {kind}" for kind, count in total.failures.most_common()),
        *(f"example     {message}" for message in total.examples.values()),
        *(
            f"wrong       request {w.request_id} (number {w.number}, {w.query}): {w.difference}"
            for w in total.wrongs[:WRONG_SHOWN]
        ),
        *(f"failed      {failure}" for failure in list_failures(run)),
        *(f"beware      {warning}" for warning in list_warnings(run)),
    ]
    return "\n".join(map(escape_controls, lines))


def format_latencies(latencies: LatencyHistogram) -> str:
    """Format the percentiles and the maximum in milliseconds."""
    if not latencies.total:
        return NO_ANSWER
    percentiles = zip(PERCENTS, latencies.percentiles(PERCENTS), strict=True)
    values = [*((f"p{percent:g}", ms) for percent, ms in percentiles), ("max", latencies.max)]
    return "  ".join(f"{name} {format_milliseconds(ms)}" for name, ms in values)


def format_milliseconds(milliseconds: float) -> str:
    """Format a latency in milliseconds, or NaN in words."""
    return NO_ANSWER if math.isnan(milliseconds) else f"{milliseconds:.1f} ms"


def format_throughput(run: Run) -> str:
    """Format the answers per second and the measured time, or NaN in words."""
    over = "" if math.isnan(run.rate) else f" over {run.measured_seconds:.2f} s"
    return f"{format_rate(run.rate, '.1f', ' answers/s')}{over}"


def format_rate(rate: float, form: str, unit: str = "/s") -> str:
    """Format a rate in the format `form`, a rate below 10 with decimals, or NaN in words."""
    if math.isnan(rate):
        return NO_ANSWER
    return f"{rate:{form if rate >= 10 else '.1f' if rate >= 1 else '.3g'}}{unit}"


def describe_throughput(run: Run) -> str:
    """Format the households per second if requests contain several households, else the measured time."""
    if math.isnan(run.rate):
        return ""
    households = run.settings.get("households a request")
    if isinstance(households, int | float) and households > 1:  # merged clients with different values give a text
        return f"{run.rate * households:,.0f} households a second"
    return f"over {run.measured_seconds:.1f} s"


def compare_runs(first: Run, second: Run, names: tuple[str, str]) -> str:
    """Format a table of the measurements of two runs, and a list of the settings and machine data that differ."""
    rows = [
        [name, format_figure(a), format_figure(b), format_change(a, b)] for name, a, b in pair_figures(first, second)
    ]
    lines = [f"{letter}: {name}" for letter, name in zip("AB", names, strict=True)]
    lines += ["", *layout_table([["", "A", "B", "change"], *rows], named=True)]
    differing = [
        f"{name}: {a} / {b}"
        for ours, theirs in ((first.settings, second.settings), (first.machine, second.machine))
        for name in {**ours, **theirs}
        if (a := ours.get(name)) != (b := theirs.get(name))
    ]
    if differing:
        lines += ["", "different settings and machine data (A / B):", *(f"  {line}" for line in differing)]
    return "\n".join(map(escape_controls, lines))


def pair_figures(first: Run, second: Run) -> Iterator[tuple[str, float, float]]:
    """Yield the name of each measurement that both runs have, and the two values of the measurement."""
    for name in ("sent", "right", "wrong", "failed", "unanswered", "unsent", "retries"):
        yield name, getattr(first.total, name), getattr(second.total, name)
    yield "answers/s", first.rate, second.rate
    yield from pair_latencies(first.total.latencies, second.total.latencies, "ms")
    if first.total.latencies_from_send.total and second.total.latencies_from_send.total:
        yield from pair_latencies(first.total.latencies_from_send, second.total.latencies_from_send, "ms from send")
    yield "client load %", 100 * first.client_load, 100 * second.client_load


def pair_latencies(first: LatencyHistogram, second: LatencyHistogram, unit: str) -> Iterator[tuple[str, float, float]]:
    """Yield the name of each latency measurement, and the values of the measurement in two runs."""
    others = compute_figures(second)
    for name, value in compute_figures(first).items():
        yield f"{name} {unit}", value, others[name]


def format_figure(value: float) -> str:
    """Format a count as a whole number, another number with two decimals, or NaN in words."""
    if math.isnan(value):
        return NO_ANSWER
    return f"{value:,}" if isinstance(value, int) else f"{value:,.2f}"


def format_change(a: float, b: float) -> str:
    """Format the change from `a` to `b` in percent of `a`, or as a word if `a` is equal to `b`, is 0 or is missing."""
    if math.isnan(a) or math.isnan(b):
        return "unknown"
    return "same" if a == b else f"{100 * (b - a) / a:+.1f} %" if a else "new"


def format_duration(milliseconds: float) -> str:
    """Format a latency in a suitable unit, such as 250 µs, 3.5 ms or 1.2 s, or NaN in words."""
    if math.isnan(milliseconds):
        return NO_ANSWER
    units: list[tuple[float, float, str]] = [(1000, 1000, "s"), (1, 1, "ms"), (0, 0.001, "µs")]
    size, unit = next((size, unit) for least, size, unit in units if milliseconds >= least)
    return f"{milliseconds / size:.3g} {unit}" if milliseconds else "0"
