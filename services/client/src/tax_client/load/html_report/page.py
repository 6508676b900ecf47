"""The HTML report, a page with results, charts, errors, settings and machine data. The page loads no other files."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from html import escape
from pathlib import Path
from string import Template

import orjson

from tax_client.load.run_results import Run, compute_figures
from tax_client.load.run_verdict import describe_verdict, is_all_right, list_failures, list_warnings
from tax_client.load.summary_and_comparison import describe_throughput, format_duration, format_rate
from tax_common.text_formatting import escape_controls
from tax_common.vendor import UPLOT

from .charts import Chart, build_distribution, build_errors, build_latency, build_percentiles, build_throughput

HERE = Path(__file__).parent
LATENCIES = "Includes right answers, wrong answers, and the waiting times of timeouts. Excludes other failures."


def build_page(run: Run) -> str:
    """Build the HTML page from its template."""
    title = f"Flood of {run.settings.get('url', 'the service')}"
    charts = {
        "throughput": build_throughput(run),
        "latency": build_latency(run),
        "distribution": build_distribution(run),
        "percentiles": build_percentiles(run),
        "errors": build_errors(run),
    }
    return Template(read_file(HERE / "layout.html")).substitute(
        read_code(),
        title=to_html(title),
        header=build_header(run, title),
        warnings="".join(f'<p class="beware">{to_html(one)}</p>' for one in list_failures(run) + list_warnings(run)),
        tiles=build_tiles(run),
        charts=build_chart_sections(run, charts),
        failures=build_failures(run),
        wrong_answers=build_wrong_answers(run),
        settings=build_section("Settings", "", build_settings_table(run.settings)),
        machine=build_section("Machine", "The machine on which the client ran.", build_settings_table(run.machine)),
        data=serialize_charts(charts),
    )


def read_code() -> dict[str, str]:
    """Return the styles, the scripts, and a content security policy (W3C CSP 3) that allows no other code."""
    style = read_file(UPLOT / "uPlot.min.css") + read_file(HERE / "style.css")
    uplot = f"/*\n{read_file(UPLOT / 'LICENSE')}*/\n{read_file(UPLOT / 'uPlot.iife.min.js')}"
    script = read_file(HERE / "draw_charts.js")
    sources = f"script-src {digest(uplot)} {digest(script)}; style-src {digest(style)}; img-src data:"
    return {"policy": f"default-src 'none'; {sources}", "style": style, "uplot": uplot, "script": script}


def serialize_charts(charts: Mapping[str, Chart | None]) -> str:
    """Serialize the data of the charts as JSON. Escape `<`, so that a text cannot end the HTML element."""
    return orjson.dumps({name: chart for name, chart in charts.items() if chart}).decode().replace("<", "\\u003c")


def read_file(path: Path) -> str:
    """Read a text file of the program."""
    return path.read_text(encoding="utf-8")


def digest(text: str) -> str:
    """Compute the digest of an inline script or style, in the format of a content security policy."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def build_header(run: Run, title: str) -> str:
    """Build the header with the title, and with the verdict, time, duration and loop of the run."""
    when = datetime.fromtimestamp(run.started).astimezone().strftime("%Y-%m-%d %H:%M:%S %z")
    warm_up = f", throughput and latencies exclude the first {run.measured_from:g} s" if run.measured_from else ""
    ended = ", interrupted" if run.interrupted_by else ""
    clients = f", {run.clients} clients" if run.clients > 1 else ""
    about = f"{when}, {run.elapsed:.1f} s{warm_up}{clients}{ended}; loop: {run.settings.get('loop')}"
    verdict = f'<span class="verdict {"good" if is_all_right(run) else "bad"}">{describe_verdict(run)}</span>'
    return f"<header><h1>{to_html(title)}</h1>{verdict}<p>{to_html(about)}</p></header>"


def build_tiles(run: Run) -> str:
    """Build the tiles with the most important results."""
    total = run.total
    p50, p95, p99 = total.latencies.percentiles([50, 95, 99])
    bad = {"wrong": total.wrong, "failed": total.failed, "unanswered": total.unanswered, "never sent": total.unsent}
    tiles = [
        ("Requests", f"{total.sent:,}", f"{total.right:,} right"),
        ("Throughput", format_rate(run.rate, ",.0f"), describe_throughput(run)),
        ("Median latency", format_duration(p50), f"mean {format_duration(total.latencies.mean)}"),
        ("p95", format_duration(p95), ""),
        ("p99", format_duration(p99), f"max {format_duration(total.latencies.max)}"),
        ("Errors", f"{total.errors:,}", ", ".join(f"{n:,} {what}" for what, n in bad.items() if n) or "none"),
        ("Retries", f"{total.retries:,}", ", ".join(f"{n} {kind}" for kind, n in total.retried.most_common(2))),
        ("Client's own load", f"{run.client_load:.0%}", f"of {run.cores:g} core(s)"),
    ]
    cells = (f"<div><dt>{name}</dt><dd>{value}<small>{to_html(note)}</small></dd></div>" for name, value, note in tiles)
    return f'<dl class="tiles">{"".join(cells)}</dl>'


def build_chart_sections(run: Run, charts: Mapping[str, Chart | None]) -> str:
    """Build the sections of the charts, and the section with the table of latencies."""
    start = "Measured from the send of a request."
    if run.total.latencies_from_send.total:
        start = "Measured from the time at which a request was due, including any wait for a connection."
    about = {
        "throughput": ("Throughput", "Answers of any kind per second."),
        "latency": ("Latency", f"{start} Each point covers the requests that ended in its interval."),
        "distribution": ("Distribution of the latency", f"Share of the requests by latency. {LATENCIES}"),
        "percentiles": ("Latency by percentile", "The right end shows the slowest requests."),
        "errors": ("Errors", "Wrong answers and failures per second."),
    }
    sections = [build_section(*about[name], build_chart(name, chart, run)) for name, chart in charts.items()]
    return "".join([*sections, build_section("Latency values", f"{start} {LATENCIES}", build_latency_table(run))])


def build_chart(name: str, chart: Chart | None, run: Run) -> str:
    """Build the element of a chart, its legend, and the table of its values."""
    if chart is None:
        is_right = name == "errors" and run.total.right
        return f'<p class="nothing">{"Every answer was right." if is_right else "No answer was measured."}</p>'
    keys = "".join(f'<li class="{series.color}">{to_html(series.name)}</li>' for series in chart.series)
    legend = f'<ul class="legend">{keys}</ul>' if len(chart.series) > 1 else ""
    return (
        f'{legend}<div class="chart" id="{name}" role="img" aria-label="{to_html(chart.about)}">'
        f"<noscript>The chart needs JavaScript. The table below contains its values.</noscript></div>"
        f'<p class="reading" aria-hidden="true">&nbsp;</p>'
        f"<details><summary>Values as a table</summary>{build_table(chart.header, chart.rows)}</details>"
    )


def build_latency_table(run: Run) -> str:
    """Build the table of the percentiles, maximum and mean of the latencies."""
    columns = {"latency": run.total.latencies}
    if run.total.latencies_from_send.total:
        columns = {"from schedule": run.total.latencies, "from send": run.total.latencies_from_send}
    figures = [compute_figures(latencies) for latencies in columns.values()]
    return build_table(
        ["", *columns], [[name, *(format_duration(each[name]) for each in figures)] for name in figures[0]]
    )


def build_failures(run: Run) -> str:
    """Build the section of failures by kind, with an example of each kind."""
    total = run.total
    rows = [
        [kind, f"{count:,}", total.examples.get(kind, "").removeprefix(f"{kind}: ")]
        for kind, count in total.failures.most_common()
    ]
    rows += [[f"retried: {kind}", f"{count:,}", ""] for kind, count in total.retried.most_common()]
    about = "Failures by kind, including those of the ramp-up and the warm-up."
    return build_section("Failures", about, build_table(["kind", "count", "example"], rows)) if rows else ""


def build_wrong_answers(run: Run) -> str:
    """Build the section that lists `run.total.wrongs`. Return an empty string if there are no wrong answers."""
    wrongs = run.total.wrongs
    if not wrongs:
        return ""
    rows = [[f"{w.number:,}", w.request_id, w.query, w.difference] for w in wrongs]
    about = f"{len(wrongs):,} of {run.total.wrong:,} wrong answers, sorted by the number of the request."
    return build_section("Wrong answers", about, build_table(["number", "id", "query", "difference"], rows))


def build_section(title: str, about: str, content: str) -> str:
    """Build a section with a title, an optional paragraph and its content."""
    paragraph = f"<p>{to_html(about)}</p>" if about else ""
    return f"<section><h2>{to_html(title)}</h2>{paragraph}{content}</section>"


def build_settings_table(values: Mapping[str, object]) -> str:
    """Build a table of names and values. Omit values that are None."""
    return build_table(
        [], [[name, f"{v:g}" if isinstance(v, float) else f"{v}"] for name, v in values.items() if v is not None]
    )


def build_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Build a table whose first column names the rows. A wide table scrolls, and the keyboard can scroll it too."""
    head = f"<tr>{''.join(f'<th scope=col>{to_html(name)}</th>' for name in header)}</tr>" if header else ""
    body = "".join(
        f"<tr><th scope=row>{to_html(row[0])}</th>{''.join(f'<td>{to_html(cell)}</td>' for cell in row[1:])}</tr>"
        for row in rows
    )
    style = ' class="wide"' if len(header) > 3 or "example" in header else ""
    return f'<div class="scroll" tabindex="0" role="group" aria-label="table"><table{style}>{head}{body}</table></div>'


def to_html(text: str) -> str:
    """Escape the HTML characters and the control characters of a text."""
    return escape(escape_controls(text))
