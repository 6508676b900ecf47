"""The log: one event is one line, one line is one write to an append-only descriptor.

Shared by the services, because their lines lie side by side and are read together.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any, Protocol

import structlog

from .amount_masking import amounts_masked
from .log_file import LogFile
from .log_lines import json_line, origin, shorten, text_line

__all__ = ["Log", "LogFile", "RequestLogger", "build_request_logger", "line_log", "shorten"]

Log = structlog.typing.FilteringBoundLogger


class RequestLogger(Protocol):
    """Writes one line for an event of a request, with its fields, at a level."""

    def __call__(self, event: str, fields: Mapping[str, Any], level: str = "info", /) -> None:
        """Write the line if the log has this level."""


class LineLogger:
    """What structlog calls at the end of its processors: a rendered line in, one write out."""

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self._write = write

    def msg(self, line: bytes) -> None:
        """Write one rendered line."""
        self._write(line)

    debug = info = warning = error = critical = exception = msg


def line_log(
    service: str,
    write: Callable[[bytes], None],
    sentences: Mapping[str, str],
    *,
    form: str = "json",
    level: str = "info",
    mask: bool = False,
    plain: Collection[str] = (),
) -> Log:
    """A logger that hands each rendered line to `write`.

    `sentences` are the text form's, by event; `form` is json or text; `mask` hides amounts, of which there are none in
    what goes wrong at the places `plain`, outside requests.
    """
    first, *others = line_processors(service, sentences, form, mask, plain)
    log: Log = structlog.wrap_logger(
        LineLogger(write),
        processors=[structlog.contextvars.merge_contextvars, first, structlog.processors.format_exc_info, *others],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    return log


def line_processors(
    service: str, sentences: Mapping[str, str], form: str, mask: bool, plain: Collection[str] = ()
) -> list[Any]:
    """What makes a line of an event, step by step."""
    return [
        origin(service),
        *([amounts_masked(plain)] if mask else []),
        json_line if form == "json" else text_line(sentences),
    ]


def build_request_logger(
    service: str,
    write: Callable[[bytes], None],
    sentences: Mapping[str, str],
    *,
    form: str = "json",
    level: str = "info",
    mask: bool = False,
) -> RequestLogger:
    """Build a logger for the events of every request, where structlog costs more than the lines do.

    Its lines equal those of `line_log`; it supports neither contextvars nor exceptions.
    """
    processors = line_processors(service, sentences, form, mask)
    levels = {"debug": {"debug", "info"}, "info": {"info"}}.get(level, set())

    def log(event: str, fields: Mapping[str, Any], level: str = "info", /) -> None:
        if level not in levels:
            return
        line: Any = {**fields, "event": event}
        for processor in processors:
            line = processor(None, level, line)
        write(line)

    return log
