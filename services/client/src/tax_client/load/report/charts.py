"""The pictures of a run: throughput, latencies and errors over time, and how the latencies are distributed."""

import math
from collections import Counter
from collections.abc import Iterator

from tax_client.load.histogram import Latencies, value_at
from tax_client.load.run import Interval, Run

from .scale import Scale, duration, fitting, thousands, upwards
from .slices import slices
from .svg import BOTTOM, TOP, Chart, plot_x

PERCENTS = {50.0: "one", 95.0: "two", 99.0: "three"}  # and the class of each
KIND_STYLES = ("bad", "three", "two", "four", "five")
BARS_A_DECADE = 20


def over_time(run: Run, about: str, y: Scale) -> Chart:
    """An empty picture over the time of a run."""
    chart = Chart(about, plot_x(0, max(run.elapsed, 1e-3)), y)
    if run.measured_from:
        chart.shade(run.measured_from, "ramp-up and warm-up: not in the figures")
    return chart


def throughput(run: Run) -> str:
    """Answers a second over time."""
    rates = [(s, s.part.tally.answered / (s.end - s.begin)) for s in slices(run)]
    y = upwards(max((rate for _, rate in rates), default=0), BOTTOM, TOP)
    chart = over_time(run, f"Throughput over time, {run.rate:,.0f} answers a second on average", y)
    chart.axes(thousands, thousands, "seconds")
    chart.area("answers a second", "one", [(s.middle, rate) for s, rate in rates])
    for s, rate in rates:
        chart.tip(s.begin, s.end, f"{s.label}: {rate:,.0f} answers a second, {s.part.flying} on their way")
    return chart.svg()


def latency(run: Run) -> str:
    """Percentiles of the latency over time."""
    drawn = [(s, s.part.tally.latencies.percentiles([*PERCENTS])) for s in slices(run) if s.part.tally.latencies.total]
    if not drawn:
        return nothing("No answer was measured.")
    y = fitting(min(ms[0] for _, ms in drawn), max(ms[-1] for _, ms in drawn), BOTTOM, TOP)
    chart = over_time(run, "Percentiles of the latency over time", y)
    chart.axes(thousands, duration, "seconds")
    for number, (percent, style) in enumerate(PERCENTS.items()):
        chart.line(f"p{percent:g}", style, [(s.middle, ms[number]) for s, ms in drawn])
    for s, ms in drawn:
        figures = ", ".join(f"p{percent:g} {duration(one)}" for percent, one in zip(PERCENTS, ms, strict=True))
        chart.tip(s.begin, s.end, f"{s.label}: {figures}")
    return chart.svg()


def distribution(run: Run) -> str:
    """How many requests took how long."""
    if not run.total.latencies.total:
        return nothing("No answer was measured.")
    bars = list(histogram(run.total.latencies))
    low, high, total = bars[0][0], bars[-1][1], run.total.latencies.total
    y = upwards(100 * max(count for *_, count in bars) / total, BOTTOM, TOP)
    chart = Chart("Distribution of the latency", plot_x(low, high, logarithmic=True), y)
    chart.axes(duration, lambda percent: f"{percent:g} %", "latency, logarithmic")
    for left, right, count in bars:
        chart.bar("one", left, right, 0, 100 * count / total)
        text = f"{duration(left)} to {duration(right)}: {count:,} requests, {100 * count / total:.3g} %"
        chart.tip(left, right, text)
    for row, (percent, ms) in enumerate(zip(PERCENTS, run.total.latencies.percentiles([*PERCENTS]), strict=True)):
        chart.mark(ms, f"p{percent:g} {duration(ms)}", row)
    return chart.svg()


def histogram(latencies: Latencies) -> Iterator[tuple[float, float, int]]:
    """The counts between bounds that grow evenly on a logarithmic scale, in milliseconds; there is a value at least."""
    bars: dict[int, int] = {}
    for place, count in latencies.counts.items():
        bar = math.floor(math.log10(value_at(place) / 1000) * BARS_A_DECADE)
        bars[bar] = bars.get(bar, 0) + count
    for bar in range(min(bars) - 1, max(bars) + 2):
        yield 10 ** (bar / BARS_A_DECADE), 10 ** ((bar + 1) / BARS_A_DECADE), bars.get(bar, 0)


def percentile_curve(run: Run) -> str:
    """The latency of each percentile, those near 100 % drawn apart; from schedule and from sending in an open loop."""
    total = run.total
    if not total.latencies.total:
        return nothing("No answer was measured.")
    nines = max(2, math.ceil(math.log10(total.latencies.total)))
    levels = [n / 10 for n in range(nines * 10 + 1)]  # level 2 is 99 %, level 3 is 99.9 %
    percents = [100 - 100 / 10**level or 1e-9 for level in levels]
    curves = [("from schedule", "three", total.latencies), ("from sending", "one", total.unpaced)]
    if not total.unpaced.total:
        curves = [("latency", "one", total.latencies)]
    drawn = [(name, style, latencies.percentiles(percents)) for name, style, latencies in curves]
    y = fitting(min(ms[0] for *_, ms in drawn), max(ms[-1] for *_, ms in drawn), BOTTOM, TOP)
    chart = Chart("Latency by percentile", plot_x(0, nines), y)
    labels = {level: f"{100 - 100 / 10**level:.10g} %" for level in range(nines + 1)}
    chart.axes(lambda level: labels[round(level)], duration, "percentile", [*labels])
    for name, style, ms in drawn:
        chart.line(name, style, list(zip(levels, ms, strict=True)))
    for number, level in enumerate(levels[:-1]):
        told = ", ".join(f"{name} {duration(ms[number])}" for name, _, ms in drawn)
        chart.tip(level, levels[number + 1], f"{100 - 100 / 10**level:.6g} %: {told}")
    return chart.svg()


def errors(run: Run) -> str:
    """Wrong and failed answers a second over time, by kind."""
    counts = run.total.failures + Counter(wrong=run.total.wrong)
    if not counts:
        return nothing("Every answer was right.")
    kinds = sorted(counts, key=lambda kind: -counts[kind])
    rates = [(s, [bad_of(s.part, kind) / (s.end - s.begin) for kind in kinds]) for s in slices(run)]
    chart = over_time(run, "Errors over time", upwards(max(sum(each) for _, each in rates), BOTTOM, TOP))
    chart.axes(thousands, thousands, "seconds")
    styles = dict(zip(kinds, (KIND_STYLES[min(n, len(KIND_STYLES) - 1)] for n in range(len(kinds))), strict=True))
    for s, each in rates:
        below = 0.0
        for kind, rate in zip(kinds, each, strict=True):
            if rate:
                chart.bar(styles[kind], s.begin, s.end, below, below + rate)
            below += rate
        told = ", ".join(f"{bad_of(s.part, kind)} {kind}" for kind in kinds if bad_of(s.part, kind))
        chart.tip(s.begin, s.end, f"{s.label}: {told or 'none'}")
    chart.legend = [(style, kind) for kind, style in styles.items()]
    return chart.svg()


def bad_of(part: Interval, kind: str) -> int:
    """How many answers of an interval were bad in that way."""
    return part.tally.wrong if kind == "wrong" else part.tally.failures[kind]


def nothing(sentence: str) -> str:
    """What stands where there is nothing to draw."""
    return f'<p class="nothing">{sentence}</p>'
