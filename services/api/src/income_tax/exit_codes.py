"""How the command ends when it cannot go on: a sentence on the console, and an exit code."""

import os
import sys
from typing import NoReturn

LOG = 1  # no log, or a file that cannot be used
DATABASE = 2  # no tax data
USAGE = os.EX_USAGE  # 64, as sysexits.h has it: wrong usage, or a wrong setting
BROKEN_PIPE = 141  # as a shell has it for who wrote to a reader that had left: 128 + SIGPIPE


def fail(sentence: str, code: int) -> NoReturn:
    """Say it on the console and end."""
    print(f"income-tax: {sentence}", file=sys.stderr, flush=True)
    sys.exit(code)
