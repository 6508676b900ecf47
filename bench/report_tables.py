"""Write the tables and the bar chart of `make bench` to bench/."""

import statistics
from pathlib import Path
from typing import Any

from bench import result_files as f
from bench.result_files import spread, table

PICTURE = Path(__file__).parent / "rates.svg"
HEAD = (
    "",
    "requests/s (lowest to highest)",
    f"rate / {f.HELLO}",
    f"rate / {f.BARE}",
    "p50 ms",
    "p99 ms",
    "CPU s per 1,000 requests",
)

Figures = dict[str, dict[str, list[float]]]


def rates(figures: Figures) -> str:
    """Format a table with one row per case. Rows of batches have no ratios."""
    rows = []
    for name, found in figures.items():
        bases = [figures[base]["rate"] for base in (f.HELLO, f.BARE)]
        times = ["" if "batch" in name else spread(f.ratios(found["rate"], base), ".2f") for base in bases]
        costs = (("p50", ".1f"), ("p99", ".1f"), ("cpu", ".3f"))
        rows.append(
            (name, spread(found["rate"]), *times, *(f"{statistics.median(found[n]):{form}}" for n, form in costs))
        )
    return table(HEAD, rows)


def fact(value: Any) -> str:
    """Format a single value, a list of measurements, or a dictionary of facts."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {fact(one)}" for name, one in value.items())
    if isinstance(value, list):
        return spread(value, ".1f")
    return f"{value:.1f}" if isinstance(value, float) else str(value)


def grown(name: str, found: dict[str, list[float]]) -> str:
    """Format a scaling curve as a table. The header shows the points, and the row below shows the values."""
    what, _, figure = name.rpartition(", ")
    return table((what, *(f"{int(point):,}" for point in found)), [(figure, *map(spread, found.values()))])


def page(content: dict[str, Any]) -> str:
    """Return the Markdown text about `make bench` for bench/README.md."""
    parts = []
    for where, figures in content["figures"].items():
        parts += [f"### {where.capitalize()}", rates(figures)]
    parts += ["### The service", table(("", ""), [(name, fact(value)) for name, value in content["facts"].items()])]
    parts += ["### Scaling", *(grown(name, found) for name, found in content["growth"].items())]
    return "\n\n".join([*parts, f"![requests per second]({PICTURE.name})"])


def picture(content: dict[str, Any]) -> str:
    """Draw a bar chart of the median rates, in SVG."""
    rows = [
        (f"{name} ({where})", statistics.median(found["rate"]))
        for where, figures in content["figures"].items()
        for name, found in figures.items()
        if "batch" not in name
    ]
    longest = max(value for _, value in rows)
    size = f"0 0 820 {26 * len(rows) + 10}"
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{size}" font-family="sans-serif">']
    for number, (name, value) in enumerate(rows):
        y, width = 26 * number + 8, 400 * value / longest
        colour = "#1d4ed8" if name.startswith(f.OURS) else "#94a3b8"
        parts.append(f'<text x="328" y="{y + 14}" font-size="12" text-anchor="end" fill="#64748b">{name}</text>')
        parts.append(f'<rect x="336" y="{y}" width="{width:.0f}" height="18" rx="3" fill="{colour}"/>')
        parts.append(f'<text x="{342 + width:.0f}" y="{y + 14}" font-size="12" fill="#64748b">{value:,.0f}/s</text>')
    return "\n".join([*parts, "</svg>", ""])


def write(content: dict[str, Any]) -> None:
    """Print the tables, write the tables to bench/README.md, and write the chart to bench/rates.svg."""
    f.put("measured", page(content))
    PICTURE.write_text(picture(content), encoding="utf-8")
