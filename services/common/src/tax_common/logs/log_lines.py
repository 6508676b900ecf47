"""Rendering of a log line as a JSON object or as text."""

import json
import os
import socket
import threading
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson
import structlog

from tax_common.text_formatting import escape_controls, truncate

Event = structlog.typing.EventDict

BODY_LIMIT = 4096  # maximum number of characters of a response body in a log line
CONTEXT = ("service", "host", "pid", "level", "request_id")  # fields that the text log omits
APPENDED = ("login", "duration", "trace_id")  # fields that the text log appends to a message template


def shorten(body: str) -> dict[str, Any]:
    """Build the log fields of a body. If the body exceeds BODY_LIMIT, truncate the body and add its original length."""
    if len(body) <= BODY_LIMIT:
        return {"body": body}
    return {"body": truncate(body, BODY_LIMIT, " [cut]"), "body_cut": True, "body_length": len(body)}


class Clock:
    """A clock that returns local time in ISO 8601 with microseconds. It formats each second only once."""

    def __init__(self) -> None:
        self._second = (0, "", "")

    def now(self) -> str:
        """Return the current time, such as 2020-07-24T10:05:20.969132+02:00."""
        seconds, nanoseconds = divmod(time.time_ns(), 10**9)
        known, date, offset = self._second
        if known != seconds:
            whole = datetime.fromtimestamp(seconds).astimezone().isoformat()
            date, offset = whole[:19], whole[19:]
            self._second = seconds, date, offset
        return f"{date}.{nanoseconds // 1000:06d}{offset}"


def build_origin_processor(service: str) -> structlog.typing.Processor:
    """Build a processor that adds time, service, host, process and thread to an event."""
    host, clock = socket.gethostname(), Clock()

    def add_origin(_logger: Any, level: str, event: Event) -> Event:
        return {
            "time": clock.now(),
            "level": level,
            "service": service,
            "host": host,
            "pid": os.getpid(),
            "thread": threading.current_thread().name,
            **event,
        }

    return add_origin


def render_json(_logger: Any, _level: str, event: Event) -> bytes:
    """Render an event as JSON in ASCII, because programs could mistake some non-ASCII characters for a line end."""
    try:
        line = orjson.dumps(event, default=str, option=orjson.OPT_APPEND_NEWLINE)
    except TypeError:  # orjson rejects a lone surrogate, and an integer of more than 64 bits
        return json.dumps(event, default=str).encode() + b"\n"
    return line if line.isascii() else json.dumps(orjson.loads(line)).encode() + b"\n"


def format_number(value: Any) -> str:
    """Format a fraction with six decimals, because Python would format a small one as 8.3e-05. Do not change others."""
    return f"{value:.6f}" if isinstance(value, float) else str(value)


def build_text_renderer(sentences: Mapping[str, str]) -> structlog.typing.Processor:
    """Build a renderer of text lines such as `2020-07-24 10:05:20.969132, Thread-2: [index] thread paused ...`.

    `sentences` maps events to message templates. The fields in APPENDED follow the template. An event without a
    template is written as its name and its fields.
    """

    def render(_logger: Any, _level: str, event: Event) -> bytes:
        when, thread, place = event.pop("time"), event["thread"], event.pop("place", "main")
        name, request, trace = event.pop("event"), event.get("request_id"), event.pop("exception", "")
        shown = {key: json.dumps(value) if isinstance(value, dict) else value for key, value in event.items()}
        sentence = sentences.get(name)
        if sentence:
            appended = (f"{key}={format_number(shown[key])}" for key in APPENDED if key in shown)
            message = " ".join([sentence.format(**shown), *appended])
        else:
            fields = (f"{key}={value}" for key, value in shown.items() if key not in (*CONTEXT, "thread"))
            message = " ".join([name, *fields])
        message += (f" ({request})" if request else "") + (f" {trace}" if trace else "")
        return (escape_controls(f"{when[:10]} {when[11:26]}, {thread}: [{place}] {message}") + "\n").encode(
            errors="backslashreplace"
        )

    return render
