"""Standard input, output and error, which the caller may have closed, filled up or left; and tables on them."""

import io
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import TextIO

from tax_common.text import escape_controls

# The number of each standard stream, and the mode of its replacement, in which its use fails as on a closed stream.
INPUT, OUTPUT = (0, os.O_WRONLY), (1, os.O_RDONLY)
ERRORS = (2, os.O_WRONLY)  # except standard error: its replacement swallows messages


def reserve_standard_streams() -> None:
    """Replace standard streams that the caller closed, so that no file opened later takes their numbers."""
    for number, flags in (INPUT, OUTPUT, ERRORS):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, flags)  # takes the lowest free number, which is this one
    if sys.stdout is None:
        sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a terminal without accents still shows the summary


def print_error(text: str) -> None:
    """Print a message on standard error, or nothing when that cannot be written."""
    try:
        print(f"tax-client: {escape_controls(text)}", file=sys.stderr, flush=True)
    except OSError:
        discard_output(sys.stderr)


def discard_output(stream: TextIO) -> None:
    """Send the buffered rest of a stream to the null device, because the exit of the process flushes it again."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def layout_table(rows: Sequence[Sequence[str]], *, named: bool = False, ruled: bool = False) -> list[str]:
    """Lay out rows of cells as lines, aligned to the right.

    The first column of a `named` table is aligned to the left; a `ruled` table has a rule below its first row.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    align = str.ljust if named else str.rjust
    lines = ["  ".join([align(row[0], widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in rows]
    return [lines[0], "  ".join("-" * width for width in widths), *lines[1:]] if ruled else lines
