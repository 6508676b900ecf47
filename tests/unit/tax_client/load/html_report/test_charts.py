"""Tests of the chart data: scales, small bars, and the tables of values."""

import pytest

from tax_client.load.html_report.charts import (
    BAR_MIN,
    build_distribution,
    build_errors,
    build_latency,
    build_percentiles,
    build_throughput,
    fit_axis,
    stack_bars,
)
from tax_client.load.run_results import Run
from tests.unit.tax_client.load.example_runs import build_counters, build_run, build_troubled_run


def test_scales_cover_their_values() -> None:
    """Wide ranges get a logarithmic scale, and other ranges get a scale from 0. Each scale covers its values."""
    assert (0, True) == (fit_axis("count", [1, 20]).low, fit_axis("count", [1, 20]).high > 20)
    wide = fit_axis("milliseconds", [0.3, 800])
    assert wide.is_logarithmic
    assert 0 < wide.low < 0.3
    assert wide.high > 800
    assert not fit_axis("count", [1, 20]).is_logarithmic
    assert not fit_axis("count", [0, 800]).is_logarithmic, "0 has no logarithm, so that the scale must be linear"


def test_a_rare_error_is_visible_beside_a_frequent_one() -> None:
    """The bar of a rare error has at least 1 % of the scale's height, and an empty bar has no height."""
    assert [100, None, 101, 102] == stack_bars([100, 0, 0.001, 1], 1)


def test_rare_latencies_are_visible_beside_frequent_ones() -> None:
    """One of 10,000 requests has a bar of 1 % of the scale's height, and the table shows its exact share."""
    latencies = build_counters()
    latencies.latencies.counts.clear()
    for microseconds, count in ((1_000, 9_999), (500_000, 1)):
        latencies.latencies.counts[latencies.latencies.find_bucket(microseconds)] = count
    chart = build_distribution(build_run(latencies))
    assert chart
    heights = [height for height in chart.series[0].values if height]
    assert [pytest.approx(99.99), pytest.approx(BAR_MIN * chart.y_axis.high)] == heights
    assert [["9,999", "100 %"], ["1", "0.01 %"]] == [row[1:] for row in chart.rows if row[1] != "0"]


def test_charts_contain_the_values_of_the_run() -> None:
    """Each row of the table below a chart shows the values of one interval."""
    run = build_troubled_run()
    latency, errors = build_latency(run), build_errors(run)
    assert latency
    assert errors
    assert [["0 to 0.25 s", "12", "2"], ["0.25 to 0.5 s", "4", "2"]] == build_throughput(run).rows
    assert [["0 to 0.25 s", "2 ms", "3 ms", "3 ms"], ["0.25 to 0.5 s", "4 ms", "4 ms", "4 ms"]] == latency.rows
    assert ["time", "timeout", "wrong"] == errors.header
    assert [["0 to 0.25 s", "0", "0"], ["0.25 to 0.5 s", "1", "1"]] == errors.rows
    assert [[None, 4], [None, 8]] == [series.values for series in errors.series], "expected stacked answers per second"


def test_the_percentile_curve_of_100_requests_ends_at_99_percent() -> None:
    """The curve of 100 latencies runs from 0 % to 99 %, and its axis spaces 0 %, 90 % and 99 % evenly."""
    chart = build_percentiles(build_run(build_counters(range(1000, 101_000, 1000))))
    assert chart
    assert [(0, "0 %"), (1, "90 %"), (2, "99 %")] == chart.x_axis.ticks
    assert [1, 90, 99] == pytest.approx([chart.series[0].values[n] for n in (0, 10, 20)], rel=1e-3)
    assert ["90 %", "90 ms"] == chart.rows[10]


def test_an_open_loop_has_two_percentile_curves() -> None:
    """An open loop has two curves and two columns: latencies since the due time and latencies since the send."""
    counters = build_counters()
    counters.latencies_from_send.merge(counters.latencies)
    chart = build_percentiles(build_run(counters))
    assert chart
    assert ["percentile", "from schedule", "from send"] == chart.header
    assert {2} == {len(row) - 1 for row in chart.rows}


@pytest.mark.parametrize("run", [build_run(), build_run(build_counters(range(0)))])
def test_charts_without_values_are_omitted(run: Run) -> None:
    """The charts of latencies and errors are omitted for a run without answers."""
    assert [None] * 4 == [build(run) for build in (build_latency, build_distribution, build_percentiles, build_errors)]
