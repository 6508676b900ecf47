"""The log: one event is one line, one line is one write to an append-only descriptor.

Shared by the services, because their lines lie side by side and are read together.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any

import structlog

from .amount_masking import amounts_masked
from .log_file import LogFile
from .log_lines import json_line, origin, shorten, text_line

__all__ = ["Log", "LogFile", "line_log", "shorten"]

Log = structlog.typing.FilteringBoundLogger
# Writes a line of the level info: the event and its fields.
Say = Callable[[str, Mapping[str, Any]], None]


class LineLogger:
    """What structlog calls at the end of its processors: a rendered line in, one write out."""

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self.msg = self.debug = self.info = self.warning = self.error = self.critical = self.exception = write


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


def quick_log(
    service: str,
    write: Callable[[bytes], None],
    sentences: Mapping[str, str],
    *,
    form: str = "json",
    level: str = "info",
    mask: bool = False,
) -> Say:
    """The lines that `line_log` writes, for events of every request: structlog costs more there than the lines do.

    It knows nothing of contextvars and exceptions.
    """
    processors = line_processors(service, sentences, form, mask)
    silent = level not in ("debug", "info")

    def say(event: str, fields: Mapping[str, Any]) -> None:
        if silent:
            return
        line: Any = {**fields, "event": event}
        for processor in processors:
            line = processor(None, "info", line)
        write(line)

    return say
