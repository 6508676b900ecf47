"""Two runs side by side."""

from collections.abc import Iterator

from tax_client.console import layout_table
from tax_common.text import escape_controls

from .report_writer import figures
from .run import Run


def comparison(first: Run, second: Run, names: tuple[str, str]) -> str:
    """A table of the figures of both and of how the second differs, then the settings and machines that differ."""
    rows = [row(name, a, b) for name, a, b in pairs(first, second)]
    lines = [f"{letter}: {name}" for letter, name in zip("AB", names, strict=True)]
    lines += ["", *layout_table([["", "A", "B", "B to A"], *rows], named=True)]
    differing = [
        f"{name}: {a} / {b}"
        for ours, theirs in ((first.settings, second.settings), (first.machine, second.machine))
        for name in {**ours, **theirs}
        if (a := ours.get(name)) != (b := theirs.get(name))
    ]
    if differing:
        lines += ["", "differing settings and machine (A / B):", *(f"  {line}" for line in differing)]
    return "\n".join(map(escape_controls, lines))


def pairs(first: Run, second: Run) -> Iterator[tuple[str, float, float]]:
    """The figures that both have."""
    for name in ("sent", "right", "wrong", "failed", "unanswered", "unsent", "retries"):
        yield name, getattr(first.total, name), getattr(second.total, name)
    yield "answers/s", first.rate, second.rate
    a, b = figures(first.total.latencies), figures(second.total.latencies)
    for name, value in a.items():
        yield f"{name} ms", value, b[name]
    if first.total.unpaced.total and second.total.unpaced.total:
        a, b = figures(first.total.unpaced), figures(second.total.unpaced)
        for name, value in a.items():
            yield f"{name} ms from send", value, b[name]
    yield "client load %", 100 * first.client_load, 100 * second.client_load


def row(name: str, a: float, b: float) -> list[str]:
    """A line of the table: both values, and the difference in percent of the first."""
    change = "same" if a == b else f"{100 * (b - a) / a:+.1f} %" if a else "new"
    return [name, said(a), said(b), change]


def said(value: float) -> str:
    """A figure as the table shows it."""
    return f"{value:,}" if isinstance(value, int) else f"{value:,.2f}"
