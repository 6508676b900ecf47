"""Parts of a page: sections, tables, text."""

from collections.abc import Mapping, Sequence
from html import escape

from tax_common.text import escape_controls


def scrolling(content: str) -> str:
    """What may be wider than a phone; by keyboard too."""
    return f'<div class="scroll" tabindex="0" role="group" aria-label="table">{content}</div>'


def section(title: str, about: str, content: str) -> str:
    """A part of the page."""
    said = f"<p>{text(about)}</p>" if about else ""
    return f"<section><h2>{text(title)}</h2>{said}{content}</section>"


def table(values: Mapping[str, object]) -> str:
    """Names and values; what is not set is left out."""
    rows = "".join(
        f"<tr><th scope=row>{text(n)}</th><td>{text(v)}</td></tr>" for n, v in values.items() if v is not None
    )
    return scrolling(f"<table>{rows}</table>")


def rows_table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Rows under headers."""
    head = "".join(f"<th scope=col>{text(name)}</th>" for name in headers)
    body = "".join(f"<tr>{''.join(f'<td>{text(cell)}</td>' for cell in row)}</tr>" for row in rows)
    style = ' class="wide"' if len(headers) > 3 or "example" in headers else ""
    return scrolling(f"<table{style}><tr>{head}</tr>{body}</table>")


def text(value: object) -> str:
    """A value as text of the page."""
    return escape(escape_controls(f"{value:g}" if isinstance(value, float) else f"{value}"))
