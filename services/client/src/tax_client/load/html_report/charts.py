"""The data of the HTML report's charts. draw_charts.js draws the charts, and tables show the same values."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from tax_client.load.run_results import Run
from tax_client.load.summary_and_comparison import format_duration, format_rate
from tax_common.latency_histogram import LatencyHistogram
from tax_common.text_formatting import escape_controls

PERCENTS = {50.0: "one", 95.0: "two", 99.0: "three"}  # maps a percentile to the colour of its line
KIND_COLORS = ("bad", "three", "two", "four", "five")
BARS_PER_DECADE = 20
LOGARITHMIC_RATIO = 25  # a scale is logarithmic if its highest value is at least this many times its lowest
BAR_MIN = 0.01  # minimum height of a bar as a share of the scale, so that rare errors stay visible


@dataclass(frozen=True, slots=True)
class Axis:
    """A scale from `low` to `high`. Its labels are `ticks`, or numbers in the format of `unit` if `ticks` is None."""

    unit: str
    low: float
    high: float
    is_logarithmic: bool = False
    ticks: list[tuple[float, str]] | None = None


@dataclass(frozen=True, slots=True)
class Series:
    """A line, or the bars of one kind. `color` names a CSS variable in style.css. A value of None is a gap."""

    name: str
    color: str
    values: list[float | None]


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart, whose `kind` is area, line or bars. `header` and `rows` form a table with one row per point."""

    about: str
    kind: str
    x: list[float]
    x_axis: Axis
    y_axis: Axis
    series: list[Series]
    header: list[str]
    rows: list[list[str]]
    shaded_until: float = 0.0  # end of the ramp-up and warm-up in seconds
    marks: list[tuple[float, str]] = field(default_factory=list)


def fit_axis(unit: str, values: Sequence[float]) -> Axis:
    """Build an axis for `values`. The axis is logarithmic if their range is wide, otherwise linear from 0."""
    low, high = min(values, default=0), max(values, default=0)
    if low > 0 and high / low >= LOGARITHMIC_RATIO:
        return Axis(unit, 0.8 * low, 1.25 * high, is_logarithmic=True)
    return Axis(unit, 0, 1.05 * high or 1)


def build_throughput(run: Run) -> Chart:
    """Build the chart of the answers per second over time."""
    slices = run.list_slices()
    rates = [one.compute_rate(one.part.counters.answered) for one in slices]
    return Chart(
        about=f"Throughput over time, {format_rate(run.rate, ',.0f', ' answers a second')} on average",
        kind="area",
        x=[one.middle for one in slices],
        x_axis=Axis("seconds", 0, run.elapsed or 1),
        y_axis=Axis("count", 0, 1.05 * max(rates, default=0) or 1),
        series=[Series("answers a second", "one", [*rates])],
        header=["time", "answers a second", "in flight"],
        rows=[[s.label, f"{rate:,.0f}", f"{s.part.in_flight:,}"] for s, rate in zip(slices, rates, strict=True)],
        shaded_until=run.measured_from,
    )


def build_latency(run: Run) -> Chart | None:
    """Build the chart of latency percentiles over time. Return None if there are no latencies."""
    slices = [one for one in run.list_slices() if one.part.counters.latencies.total]
    if not slices:
        return None
    percentiles = [one.part.counters.latencies.percentiles([*PERCENTS]) for one in slices]
    names = [f"p{percent:g}" for percent in PERCENTS]
    columns = zip(names, PERCENTS.values(), zip(*percentiles, strict=True), strict=True)
    return Chart(
        about="Percentiles of the latency over time",
        kind="line",
        x=[one.middle for one in slices],
        x_axis=Axis("seconds", 0, run.elapsed or 1),
        y_axis=fit_axis("milliseconds", [ms for row in percentiles for ms in row]),
        series=[Series(name, color, [*column]) for name, color, column in columns],
        header=["time", *names],
        rows=[[s.label, *map(format_duration, row)] for s, row in zip(slices, percentiles, strict=True)],
        shaded_until=run.measured_from,
    )


def build_distribution(run: Run) -> Chart | None:
    """Build the histogram of latencies on a logarithmic scale. Return None if there are no latencies."""
    latencies = run.total.latencies
    if not latencies.total:
        return None
    counts = count_ranges(latencies)
    shares = [100 * count / latencies.total for count in counts.values()]
    top = 1.05 * max(shares)
    bounds = [(10 ** (n / BARS_PER_DECADE), 10 ** ((n + 1) / BARS_PER_DECADE)) for n in counts]
    decades = range(math.ceil(min(counts) / BARS_PER_DECADE) - 1, math.ceil(max(counts) / BARS_PER_DECADE) + 1)
    ticks = [part * 10.0**decade for decade in decades for part in (1, 2, 5)]
    percentiles = zip(PERCENTS, latencies.percentiles([*PERCENTS]), strict=True)
    return Chart(
        about="Distribution of the latency on a logarithmic scale",
        kind="bars",
        x=[n + 0.5 for n in counts],
        x_axis=Axis("range", min(counts), max(counts) + 1, ticks=[(place_range(t), format_duration(t)) for t in ticks]),
        y_axis=Axis("percent", 0, top),
        series=[Series("share of the requests", "one", [stack_bars([share], BAR_MIN * top)[0] for share in shares])],
        header=["latency", "requests", "share"],
        rows=[
            [f"{format_duration(low)} to {format_duration(high)}", f"{count:,}", f"{share:.3g} %"]
            for (low, high), count, share in zip(bounds, counts.values(), shares, strict=True)
        ],
        marks=[(place_range(ms), f"p{percent:g} {format_duration(ms)}") for percent, ms in percentiles],
    )


def count_ranges(latencies: LatencyHistogram) -> dict[int, int]:
    """Count latencies in each range. Range n begins at 10 ** (n / BARS_PER_DECADE) ms. The first and last are empty."""
    counts = Counter[int]()
    for bucket, count in latencies.counts.items():
        counts[math.floor(place_range(latencies.compute_upper_bound(bucket) / 1000))] += count
    return {n: counts[n] for n in range(min(counts) - 1, max(counts) + 2)}


def place_range(milliseconds: float) -> float:
    """Compute the position of a latency on the scale of ranges."""
    return math.log10(milliseconds) * BARS_PER_DECADE


def build_percentiles(run: Run) -> Chart | None:
    """Build the chart of latency by percentile, or return None if there are no latencies."""
    total = run.total
    if not total.latencies.total:
        return None
    nines = max(2, math.ceil(math.log10(total.latencies.total)))
    levels = [n / 10 for n in range(nines * 10 + 1)]  # equal distances on the axis: level 2 is 99 %, level 3 is 99.9 %
    percents = [100 - 100 / 10**level or 1e-9 for level in levels]
    curves = [("latency", "one", total.latencies)]
    if total.latencies_from_send.total:
        curves = [("from schedule", "three", total.latencies), ("from send", "one", total.latencies_from_send)]
    columns = [latencies.percentiles(percents) for _, _, latencies in curves]
    return Chart(
        about="Latency by percentile",
        kind="line",
        x=levels,
        x_axis=Axis("level", 0, nines, ticks=[(n, f"{100 - 100 / 10**n:.10g} %") for n in range(nines + 1)]),
        y_axis=fit_axis("milliseconds", [ms for column in columns for ms in column]),
        series=[Series(name, color, [*ms]) for (name, color, _), ms in zip(curves, columns, strict=True)],
        header=["percentile", *(name for name, _, _ in curves)],
        rows=[
            [f"{100 - 100 / 10**level:.6g} %", *map(format_duration, row)]
            for level, *row in zip(levels, *columns, strict=True)
        ],
    )


def build_errors(run: Run) -> Chart | None:
    """Build the chart of errors per second over time, stacked by kind. Return None if there are no errors."""
    counts = run.total.failures + Counter(wrong=run.total.wrong)
    if not counts:
        return None
    slices, kinds = run.list_slices(), sorted(counts, key=lambda kind: -counts[kind])
    found = [[one.part.counters.count_errors(kind) for kind in kinds] for one in slices]
    rates = [[one.compute_rate(count) for count in row] for one, row in zip(slices, found, strict=True)]
    top = 1.05 * max(map(sum, rates), default=0) or 1
    names = [escape_controls(kind) for kind in kinds]
    colors = [*KIND_COLORS, *[KIND_COLORS[-1]] * len(kinds)][: len(kinds)]
    stacks = zip(*(stack_bars(row, BAR_MIN * top) for row in rates), strict=True)
    return Chart(
        about="Errors over time",
        kind="bars",
        x=[one.middle for one in slices],
        x_axis=Axis("seconds", 0, run.elapsed or 1),
        y_axis=Axis("count", 0, top),
        series=[Series(name, color, [*tops]) for name, color, tops in zip(names, colors, stacks, strict=True)],
        header=["time", *names],
        rows=[[s.label, *(f"{count:,}" for count in row)] for s, row in zip(slices, found, strict=True)],
        shaded_until=run.measured_from,
    )


def stack_bars(heights: Sequence[float], shortest: float) -> list[float | None]:
    """Compute the top of each bar in a stack, or None for an empty bar. All other bars are at least `shortest` high."""
    tops = accumulate(max(height, shortest) if height else 0.0 for height in heights)
    return [top if height else None for top, height in zip(tops, heights, strict=True)]
