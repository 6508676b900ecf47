"""The command `households`: a taxpayers file as JSON lines, to which `income-tax expected` adds the right answers."""

from argparse import Namespace
from pathlib import Path

import orjson

from tax_client.calculate.input_source import open_input
from tax_client.console import print_error
from tax_client.errors import DONE, UserError
from tax_client.settings import Settings
from tax_client.taxpayers.reader import BadLine, Reader


def households(options: Namespace, _settings: Settings) -> int:
    """Print the households of a file; the exit code. Raises UserError when it has none."""
    path: Path = options.file
    written, left_out, first = 0, 0, ""
    with open_input(path) as source:
        for line in Reader(source.file, source.form):
            if isinstance(line, BadLine):
                left_out += 1
                first = first or f", the first: line {line.line}: {line.reason}"
            else:
                print(orjson.dumps(line.to_dict()).decode())
                written += 1
    if not written:
        found = f"no valid taxpayer, {left_out} bad line(s){first}"
        raise UserError(f"taxpayers file [{path}]: {found}: expected lines such as 1,yes,2,55555")
    if left_out:
        print_error(f"{left_out} line(s) left out{first}")
    return DONE
