"""Safe use of standard streams that the caller might have closed, and the layout of text tables."""

import io
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import TextIO

from tax_common.text_formatting import escape_controls

# The descriptor of each standard stream, and the mode in which the null device replaces a closed stream. The program
# can neither read a replaced standard input nor write a replaced standard output. A replaced standard error discards
# messages.
INPUT, OUTPUT = (0, os.O_WRONLY), (1, os.O_RDONLY)
ERRORS = (2, os.O_WRONLY)


def reserve_standard_streams() -> None:
    """Replace each standard stream that the caller closed, so that no file opened later takes its descriptor."""
    for number, flags in (INPUT, OUTPUT, ERRORS):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, flags)  # the lowest free descriptor is `number`
    if sys.stdout is None:
        sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # print escapes on terminals that cannot encode accents


def print_error(text: str) -> None:
    """Print a message on standard error. If that fails, discard the message."""
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

    With `named`, align the first column to the left. With `ruled`, draw a rule below the first row.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    align = str.ljust if named else str.rjust
    lines = ["  ".join([align(row[0], widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in rows]
    return [lines[0], "  ".join("-" * width for width in widths), *lines[1:]] if ruled else lines
