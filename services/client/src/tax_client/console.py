"""Safe use of standard streams that the caller might have closed, and the layout of text tables."""

import io
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import TextIO

from tax_common.text_formatting import escape_controls

# Each pair holds the descriptor of a standard stream, and a mode. If the stream is closed, the client opens the null
# device in this mode to replace the stream. Reading from the replaced standard input and writing to the replaced
# standard output fail, so that the program reports an error. The replaced standard error discards messages.
INPUT, OUTPUT = (0, os.O_WRONLY), (1, os.O_RDONLY)
ERRORS = (2, os.O_WRONLY)


def reserve_standard_streams() -> None:
    """Replace each closed standard stream with the null device, so that no other file gets the stream's descriptor."""
    for number, flags in (INPUT, OUTPUT, ERRORS):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, flags)  # takes the lowest free descriptor, which is `number`
    if sys.stdout is None:
        sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # escape characters that the terminal cannot encode


def print_error(text: str) -> None:
    """Print a message on standard error. If printing fails, discard the message."""
    try:
        print(f"tax-client: {escape_controls(text)}", file=sys.stderr, flush=True)
    except OSError:
        discard_output(sys.stderr)


def discard_output(stream: TextIO) -> None:
    """Redirect a stream to the null device, so that Python can flush the stream's buffer at exit."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def layout_table(rows: Sequence[Sequence[str]], *, named: bool = False, ruled: bool = False) -> list[str]:
    """Lay out rows of cells as lines of text, and align the columns to the right.

    If `named` is true, align the first column to the left. If `ruled` is true, draw a rule below the first row.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    align = str.ljust if named else str.rjust
    lines = ["  ".join([align(row[0], widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in rows]
    return [lines[0], "  ".join("-" * width for width in widths), *lines[1:]] if ruled else lines
