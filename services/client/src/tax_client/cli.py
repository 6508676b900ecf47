"""The client's command line."""

import signal
import sys
from collections.abc import Sequence

from . import __version__
from .calculate.calculate_options import add_calculate
from .common_arguments import Parser, setting_options
from .console import discard_output, print_error, reserve_standard_streams
from .interruption import SIGNALLED
from .load.load_options import add_compare, add_flood, add_households, add_merge
from .settings import load_settings
from .user_errors import UNUSABLE, UserError


def build_parser() -> Parser:
    """Build the command-line parser, which has a subparser for each command."""
    parser = Parser(prog="tax-client", description="A client of the tax service.", allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND")
    for add in (add_calculate, add_flood, add_compare, add_merge, add_households):
        add(subparsers, [setting_options()])
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that `arguments` contains, and return the exit code of the command."""
    reserve_standard_streams()
    try:
        options = build_parser().parse_args(arguments)
        code: int = options.command(options, load_settings(vars(options)))
    except UserError as error:
        print_error(str(error))
        return UNUSABLE
    except KeyboardInterrupt:
        print_error("interrupted")
        return SIGNALLED + signal.SIGINT
    except BrokenPipeError:
        # The process that reads standard output has exited. Print no error, because all output files are complete.
        discard_output(sys.stdout)
        return SIGNALLED + signal.SIGPIPE
    except OSError as error:
        place = f"[{error.filename}]" if error.filename else "standard output"
        print_error(f"{place}: {error.strerror}: choose a writable file")
        discard_output(sys.stdout)
        return UNUSABLE
    return code
