"""The API's loggers, and the message templates of the text log."""

import sys
from collections.abc import Callable

from tax_common import logs
from tax_common.logs import Log, LogFile, LogFormat, RequestLogger, shorten
from tax_common.logs.amount_masking import mask_amounts

__all__ = [
    "Log",
    "LogFile",
    "RequestLogger",
    "build_console_logger",
    "build_logger",
    "build_request_logger",
    "mask_amounts",
    "shorten",
]

# Message templates of the text log. An event without a template is written as its name and its fields.
SENTENCES = {
    "request": "request: {method} {url} from {remote}",
    "pause": "thread paused for {seconds:g} second(s)",
    "answer": "answer: {status} {body}",
}

# If no request is being processed, error messages of these components are not masked. Their numbers, such as ports,
# are not amounts.
OWN_PLACES = (
    "alerts",
    "database",
    "log",
    "main",
    "proxy",
    "reload",
    "replicas",
    "schedules",
    "state",
    "throttle",
    "users",
)


def build_logger(
    service: str, write: Callable[[bytes], None], form: str = "json", level: str = "info", mask: bool = False
) -> Log:
    """Build a logger that passes each rendered line to `write`. `form` is json or text. `mask` hides amounts."""
    return logs.build_logger(write, LogFormat(service, SENTENCES, form, level, mask, OWN_PLACES))


def build_request_logger(
    write: Callable[[bytes], None], form: str = "json", level: str = "info", mask: bool = False
) -> RequestLogger:
    """Build the logger for request events. Its lines have the same format as the lines of `build_logger`."""
    return logs.build_request_logger(write, LogFormat("api", SENTENCES, form, level, mask))


def build_console_logger(service: str) -> Log:
    """Build a logger that writes text to stderr. The service uses it if the log file cannot be opened."""
    return build_logger(service, lambda line: print(line.decode(), end="", file=sys.stderr), "text")
