"""Print the last lines of every log without control characters. Without arguments, print standard input in this way.

The script runs in a container of the API.
"""

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from tax_common.text_formatting import escape_controls


def print_escaped(lines: Iterable[bytes]) -> None:
    """Print the lines, and escape all control characters except tabs."""
    for line in lines:
        cells = line.removesuffix(b"\n").decode(errors="backslashreplace").split("\t")
        print("\t".join(map(escape_controls, cells)), flush=True)


def print_logs(count: str, *options: str) -> int:
    """Run `tail` with the number of lines and further options, and return its exit code."""
    if not (count.isascii() and count.isdigit()):
        sys.exit(f"LINES is [{count}]; expected a number of lines")
    command = ["tail", "-n", count, *options, "--", *sorted(map(str, Path("/logs").glob("*/*.log")))]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as tail:
        print_escaped(tail.stdout or [])
    return tail.returncode


try:
    if sys.argv[1:]:
        sys.exit(print_logs(*sys.argv[1:]))
    print_escaped(sys.stdin.buffer)
except KeyboardInterrupt:  # Ctrl-C ends FOLLOW=1
    sys.exit(130)
