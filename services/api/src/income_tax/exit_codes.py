"""Exit codes of the command, and its end with a sentence on the console."""

import os
import sys
from typing import NoReturn

LOG = 1  # no log, or a file that cannot be used
DATABASE = 2  # no tax data
USAGE = os.EX_USAGE  # 64 of sysexits.h: wrong usage, or a wrong setting
BROKEN_PIPE = 141  # 128 + SIGPIPE, as a shell reports a writer whose reader has ended


def fail(sentence: str, code: int) -> NoReturn:
    """Print the sentence on the console and exit."""
    print(f"income-tax: {sentence}", file=sys.stderr, flush=True)
    sys.exit(code)
