"""The format of log lines, which no request can forge."""

import json
import re
from datetime import datetime

import pytest

from income_tax.service_log import build_logger, shorten
from tax_common.logs.log_lines import BODY_LIMIT
from tests.support.fakes import Lines

HOSTILE = "a\r\nb\x00\x1b[31m\x7f\x85\u2028c"


def lines_of(form: str, event: str, **fields: object) -> list[bytes]:
    lines = Lines()
    build_logger("api", lines.write, form, "info").bind(place="index").info(event, **fields)
    return lines.written


def test_format_of_a_text_line() -> None:
    """A text line has the date, the time to the microsecond, the thread, the place and the message."""
    (line,) = lines_of("text", "pause", seconds=1)
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}, MainThread: \[index\] thread paused for 1 second\(s\)\n", line.decode()
    )


def test_json_line_has_the_same_values() -> None:
    """A JSON line has the same values in fields, and its time has a UTC offset."""
    (line,) = lines_of("json", "pause", seconds=1)
    record = json.loads(line)
    assert datetime.fromisoformat(record["time"]).tzinfo is not None
    assert {"service": "api", "place": "index", "thread": "MainThread", "event": "pause", "seconds": 1} == {
        name: record[name] for name in ("service", "place", "thread", "event", "seconds")
    }


@pytest.mark.parametrize("form", ["json", "text"])
@pytest.mark.parametrize("event", ["request", "request refused", HOSTILE])
def test_no_request_can_forge_a_line(form: str, event: str) -> None:
    """Each event is one line without control characters, even if the request contains control characters."""
    (line,) = lines_of(form, event, method=HOSTILE, url=HOSTILE, remote=HOSTILE)
    text = line.decode()
    assert text.endswith("\n")
    assert 1 == len(text.splitlines())
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", text)


def test_a_long_body_is_truncated() -> None:
    """The log line of a body above 4 KB has the first 4 KB, a truncation mark and the full length."""
    fields = shorten("x" * (BODY_LIMIT + 1))
    assert ("x" * BODY_LIMIT + " [cut]", True, BODY_LIMIT + 1) == (
        fields["body"],
        fields["body_cut"],
        fields["body_length"],
    )


def test_body_at_the_limit_is_not_truncated() -> None:
    """A body of exactly 4 KB is logged completely."""
    assert {"body": "x" * BODY_LIMIT} == shorten("x" * BODY_LIMIT)
