"""Structured logging: one event is one line, one line is one write to an append-only descriptor.

The API and the client share it, because operators read their lines together.
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
    """Writes one line for an event of a request, with its fields, at a level."""

    def __call__(self, event: str, fields: Mapping[str, Any], level: str = "info", /) -> None:
        """Write the line if the log has this level."""


class LineLogger:
    """The logger that structlog calls after its processors: it writes each rendered line."""

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

    `sentences` are those of the text form, by event; `form` is json or text. `mask` masks amounts. Errors at the places
    `plain`, outside all requests, quote none and stay readable.
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
    """Build the processors that render an event as a line."""
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
    """Build a logger for the events of every request, where structlog costs more than the lines do.

    Its lines equal those of `build_logger`; it supports neither contextvars nor exceptions.
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
