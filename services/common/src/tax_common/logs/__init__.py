"""Structured logging. Each event is one line, and each line is one write to an append-only file descriptor.

The API and the client share this package, because operators read both logs together.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import structlog

from .amount_masking import build_masking_processor
from .log_file import LogFile
from .log_lines import build_origin_processor, build_text_renderer, render_json, shorten

__all__ = ["Log", "LogFile", "LogFormat", "RequestLogger", "build_logger", "build_request_logger", "shorten"]

Log = structlog.typing.FilteringBoundLogger


class RequestLogger(Protocol):
    """A function that writes one log line for a request event."""

    def __call__(self, event: str, fields: Mapping[str, Any], level: str = "info", /) -> None:
        """Write the event and its fields, unless the log omits events of this level."""


class LineLogger:
    """The logger to which structlog passes each rendered line."""

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self.msg = self.debug = self.info = self.warning = self.error = self.critical = self.exception = write


@dataclass(frozen=True, slots=True)
class LogFormat:
    """The format and level of log lines. `sentences` maps events to the message templates of the text log.

    `form` is json or text. If `mask` is set, amounts are masked. An error that is logged outside requests is not masked
    if its field `place` is in `plain`, because such an error does not quote amounts.
    """

    service: str
    sentences: Mapping[str, str]
    form: str = "json"
    level: str = "info"
    mask: bool = False
    plain: Collection[str] = ()

    def build_processors(self) -> list[Any]:
        """Build the processors that render an event as a log line."""
        return [
            build_origin_processor(self.service),
            *([build_masking_processor(self.plain)] if self.mask else []),
            render_json if self.form == "json" else build_text_renderer(self.sentences),
        ]


def build_logger(write: Callable[[bytes], None], log_format: LogFormat) -> Log:
    """Build a logger that passes each rendered line to `write`."""
    first, *others = log_format.build_processors()
    log: Log = structlog.wrap_logger(
        LineLogger(write),
        processors=[structlog.contextvars.merge_contextvars, first, structlog.processors.format_exc_info, *others],
        wrapper_class=structlog.make_filtering_bound_logger(log_format.level),
        cache_logger_on_first_use=True,
    )
    return log


def build_request_logger(write: Callable[[bytes], None], log_format: LogFormat) -> RequestLogger:
    """Build a logger for request events that avoids the overhead of structlog.

    The logger writes the same lines as a logger of `build_logger`, but supports neither contextvars nor exceptions.
    """
    processors = log_format.build_processors()
    levels = {"debug": {"debug", "info"}, "info": {"info"}}.get(log_format.level, set())

    def log(event: str, fields: Mapping[str, Any], level: str = "info", /) -> None:
        if level not in levels:
            return
        line: Any = {**fields, "event": event}
        for processor in processors:
            line = processor(None, level, line)
        write(line)

    return log
