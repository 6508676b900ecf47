"""Structured logging. Each event is one line, and each line is one write to an append-only file descriptor.

The API and the client share this package, because operators read both logs together.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any, Protocol

import structlog

from .amount_masking import build_masking_processor
from .log_file import LogFile
from .log_lines import build_origin_processor, build_text_renderer, render_json, shorten

__all__ = ["Log", "LogFile", "RequestLogger", "build_logger", "build_request_logger", "shorten"]

Log = structlog.typing.FilteringBoundLogger


class RequestLogger(Protocol):
    """A function that writes one log line for a request event."""

    def __call__(self, event: str, fields: Mapping[str, Any], level: str = "info", /) -> None:
        """Write the event with its fields if the log includes the level."""


class LineLogger:
    """The logger that structlog calls after the processors, to write each rendered line."""

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self.msg = self.debug = self.info = self.warning = self.error = self.critical = self.exception = write


def build_logger(
    service: str,
    write: Callable[[bytes], None],
    sentences: Mapping[str, str],
    *,
    form: str = "json",
    level: str = "info",
    mask: bool = False,
    plain: Collection[str] = (),
) -> Log:
    """Build a logger that passes each rendered line to `write`.

    `sentences` are the message templates of the text log by event. `form` is json or text. `mask` masks amounts.
    Errors outside requests at the places `plain` are not masked, because they quote no amounts.
    """
    first, *others = build_processors(service, sentences, form, mask, plain)
    log: Log = structlog.wrap_logger(
        LineLogger(write),
        processors=[structlog.contextvars.merge_contextvars, first, structlog.processors.format_exc_info, *others],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    return log


def build_processors(
    service: str, sentences: Mapping[str, str], form: str, mask: bool, plain: Collection[str] = ()
) -> list[Any]:
    """Build the processors that render an event as a log line."""
    return [
        build_origin_processor(service),
        *([build_masking_processor(plain)] if mask else []),
        render_json if form == "json" else build_text_renderer(sentences),
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
    """Build a logger for request events that avoids the overhead of structlog.

    It writes the same lines as the logger of `build_logger`, but supports neither contextvars nor exceptions.
    """
    processors = build_processors(service, sentences, form, mask)
    levels = {"debug": {"debug", "info"}, "info": {"info"}}.get(level, set())

    def log(event: str, fields: Mapping[str, Any], level: str = "info", /) -> None:
        if level not in levels:
            return
        line: Any = {**fields, "event": event}
        for processor in processors:
            line = processor(None, level, line)
        write(line)

    return log
