"""The page of a run: figures, pictures, what was wrong, the settings and the machine. It asks nobody for anything."""

from datetime import datetime
from pathlib import Path

from tax_client.load.histogram import Latencies
from tax_client.load.report_writer import figures
from tax_client.load.run import Run
from tax_client.load.summary import warnings

from . import charts
from .html import rows_table, section, table, text
from .scale import duration

STYLE = Path(__file__).with_name("page.css")
WHOSE = "Right and wrong answers, and time-outs as long as they were waited for; no other failure."
# No script runs, and nothing is loaded from anywhere: what a server answered can do no harm in here.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def page(run: Run) -> str:
    """The whole page."""
    title = f"Flood of {run.settings.get('url', 'the service')}"
    parts = [
        header(run, title),
        *(f'<p class="beware">{text(warning)}</p>' for warning in warnings(run)),
        tiles(run),
        '<div class="grid-of-two">',
        section("Throughput", "Answers a second, whatever they were.", charts.throughput(run)),
        section("Latency", f"{whence(run)} Of what ended in each moment.", charts.latency(run)),
        section("Distribution of the latency", f"How many requests took how long. {WHOSE}", charts.distribution(run)),
        section("Latency by percentile", "What the slowest ones had to wait.", charts.percentile_curve(run)),
        section("Errors", "Wrong answers and failures a second.", charts.errors(run)),
        section("Latency in figures", f"{whence(run)} {WHOSE}", latency_table(run)),
        "</div>",
        failures(run),
        wrong_answers(run),
        '<div class="grid-of-two">',
        section("Settings", "", table(run.settings)),
        section("Machine", "Of the client.", table(run.machine)),
        "</div>",
        "<footer>Made by tax-client. Point at a picture for its figures.</footer>",
    ]
    head = (
        f'<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        f'<title>{text(title)}</title><link rel="icon" href="data:,">'
        f"<style>{STYLE.read_text(encoding='utf-8')}</style>"
    )
    body = "\n".join(parts)
    return f'<!doctype html>\n<html lang="en">\n<head>{head}</head>\n<body><main>\n{body}\n</main></body>\n</html>\n'


def header(run: Run, title: str) -> str:
    """What was flooded, when, and whether all was right."""
    when = datetime.fromtimestamp(run.started).astimezone().strftime("%Y-%m-%d %H:%M:%S %z")
    warm_up = f", the first {run.measured_from:g} s not in the figures" if run.measured_from else ""
    ended = ", interrupted" if run.interrupted_by else ""
    clients = f", from {run.clients} clients" if run.clients > 1 else ""
    about = f"{when}, {run.elapsed:.1f} s{warm_up}{clients}{ended}; loop: {run.settings.get('loop')}"
    found = f'<span class="verdict {"good" if run.all_right else "bad"}">{verdict(run)}</span>'
    return f"<header><h1>{text(title)}</h1>{found}<p>{text(about)}</p></header>"


def verdict(run: Run) -> str:
    """Whether all was right, in a few words."""
    if run.total.errors:
        return f"{run.total.errors:,} of {run.total.due:,} not right"
    if not run.total.sent:
        return "nothing was sent"
    return "the client itself had trouble" if run.ended_badly else "every answer right"


def tiles(run: Run) -> str:
    """The figures that matter most."""
    total = run.total
    p50, p95, p99 = total.latencies.percentiles([50, 95, 99])
    bad = {"wrong": total.wrong, "failed": total.failed, "unanswered": total.unanswered, "never sent": total.unsent}
    shown = [
        ("Requests", f"{total.sent:,}", f"{total.right:,} right"),
        ("Throughput", f"{run.rate:,.0f}/s", throughput_note(run)),
        ("Median latency", duration(p50), f"mean {duration(total.latencies.mean)}"),
        ("p95", duration(p95), ""),
        ("p99", duration(p99), f"max {duration(total.latencies.max)}"),
        ("Errors", f"{total.errors:,}", ", ".join(f"{n:,} {what}" for what, n in bad.items() if n) or "none"),
        ("Retries", f"{total.retries:,}", ", ".join(f"{n} {kind}" for kind, n in total.retried.most_common(2))),
        ("Client's own load", f"{run.client_load:.0%}", f"of {run.cores:g} core(s)"),
    ]
    cells = (f"<div><dt>{name}</dt><dd>{value}<small>{text(note)}</small></dd></div>" for name, value, note in shown)
    return f'<dl class="tiles">{"".join(cells)}</dl>'


def throughput_note(run: Run) -> str:
    """How many households the throughput is, where a request has several; else over which time it is."""
    households = run.settings.get("households a request")
    if isinstance(households, int | float) and households > 1:  # a text where clients have sent different ones
        return f"{run.rate * households:,.0f} households a second"
    return f"over {run.measured_seconds:.1f} s"


def whence(run: Run) -> str:
    """From when on a latency is measured."""
    if run.total.unpaced.total:
        return "From the moment a request was due, also when it had to wait for a connection."
    return "From the sending of a request."


def latency_table(run: Run) -> str:
    """All percentiles, as figures."""
    columns: list[tuple[str, Latencies]] = [("latency", run.total.latencies)]
    if run.total.unpaced.total:
        columns = [("from schedule", run.total.latencies), ("from sending", run.total.unpaced)]
    found = {name: figures(latencies) for name, latencies in columns}
    rows = [[f"{name}", *(duration(each[name]) for each in found.values())] for name in figures(run.total.latencies)]
    return rows_table(["", *found], rows)


def failures(run: Run) -> str:
    """Failures by kind, with an example of each."""
    total = run.total
    rows = [
        [kind, f"{count:,}", total.examples.get(kind, "").removeprefix(f"{kind}: ")]
        for kind, count in total.failures.most_common()
    ]
    rows += [[f"retried: {kind}", f"{count:,}", ""] for kind, count in total.retried.most_common()]
    about = "By kind, those of the warm-up too."
    return section("Failures", about, rows_table(["kind", "count", "example"], rows)) if rows else ""


def wrong_answers(run: Run) -> str:
    """The wrong answers that were kept."""
    wrongs = run.total.wrongs
    if not wrongs:
        return ""
    rows = [[f"{w.number:,}", w.request_id, w.query, w.difference] for w in wrongs]
    about = f"{len(wrongs):,} of {run.total.wrong:,}, by the number of the request."
    return section("Wrong answers", about, rows_table(["number", "id", "asked", "difference"], rows))
