"""Standard input, output and error as the caller gave them: they may be closed, full, or lose their reader."""

import io
import os
import sys
from contextlib import suppress
from typing import TextIO

from tax_common.text import escape_controls

# Of a stream that is closed: its number, and how what takes its place is opened, so that its use fails as it would.
INPUT, OUTPUT = (0, os.O_WRONLY), (1, os.O_RDONLY)
ERRORS = (2, os.O_WRONLY)  # whoever closes it wants to hear nothing


def keep_numbers() -> None:
    """Give the streams that the caller has closed a place: else the next file to be opened would be taken for them."""
    for number, flags in (INPUT, OUTPUT, ERRORS):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, flags)  # the lowest number that is free: this one
    if sys.stdout is None:
        sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a terminal without accents still gets the summary


def complain(text: str) -> None:
    """Say on stderr what went wrong; where nothing can be said, that changes nothing."""
    try:
        print(f"tax-client: {escape_controls(text)}", file=sys.stderr, flush=True)
    except OSError:
        silence(sys.stderr)


def silence(stream: TextIO) -> None:
    """Let what is left to be written to a stream go nowhere: the end of the process would try it again."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
