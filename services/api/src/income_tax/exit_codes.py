"""Exit codes of the command, and the function that exits with a message on the console."""

import os
import sys
from typing import NoReturn

LOG = 1  # the log, or another file, cannot be used
DATABASE = 2  # the tax data cannot be read or written
USAGE = os.EX_USAGE  # 64 in sysexits.h: a usage error, or an invalid setting
BROKEN_PIPE = 141  # 128 + SIGPIPE, as a shell reports a process that SIGPIPE killed


def fail(sentence: str, code: int) -> NoReturn:
    """Print the message on the console and exit with the code."""
    print(f"income-tax: {sentence}", file=sys.stderr, flush=True)
    sys.exit(code)
