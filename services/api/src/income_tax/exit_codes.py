"""Exit codes of the command `income-tax`, and the function that prints an error message and exits."""

import os
import sys
from typing import NoReturn

from tax_common.text_formatting import escape_controls

LOG = 1  # a file, such as the log, cannot be used
DATABASE = 2  # the tax data cannot be read or written
USAGE = os.EX_USAGE  # 64, as in sysexits.h; a usage error or an invalid setting
BROKEN_PIPE = 141  # 128 + SIGPIPE, the code that a shell reports for a process killed by SIGPIPE


def fail(sentence: str, code: int) -> NoReturn:
    """Print the message on stderr, with its control characters escaped, and exit with the code."""
    print(*map(escape_controls, f"income-tax: {sentence}".split("\n")), sep="\n", file=sys.stderr, flush=True)
    sys.exit(code)
