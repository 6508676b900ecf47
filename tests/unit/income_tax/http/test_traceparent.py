"""Tests of the parser of the header `traceparent`."""

import pytest

from income_tax.http.traceparent import TRACEPARENT, parse_trace_id
from tests.support.data import ROOT

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.mark.parametrize(
    "header",
    [
        f"00-{TRACE}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}-ff",
        f"01-{TRACE}-{PARENT}-00",
        f"cc-{TRACE}-{PARENT}-01-",
        f"cc-{TRACE}-{PARENT}-01-what-the-future-will-be-like",
        f"fe-{TRACE}-{PARENT}-01-{{}}",
    ],
)
def test_a_valid_header_has_a_trace_id(header: str) -> None:
    """Version 00 and every later version except ff have a trace id. Only later versions can have more fields."""
    assert TRACE == parse_trace_id(header)


@pytest.mark.parametrize(
    "header",
    [
        "",
        f"ff-{TRACE}-{PARENT}-01",
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE}-{PARENT}-01-",
        f"00-{TRACE}-{PARENT}-01-more",
        f"01-{TRACE}-{PARENT}-01more",
        f"01-{TRACE}-{PARENT}-01.more",
        f"00-{TRACE}-{PARENT}",
        f"00-{TRACE}-{PARENT}-1",
        f"00-{TRACE.upper()}-{PARENT}-01",
        f"0G-{TRACE}-{PARENT}-01",
        f"00-{TRACE[1:]}-{PARENT}-01",
        f"00-{TRACE}0-{PARENT}-01",
        f"00-{TRACE}-{PARENT}0-01",
        f"00-{TRACE[:-1]}\u0660-{PARENT}-01",
        f"00-{TRACE}-{PARENT}-01\n",
        f"00-{TRACE}-{PARENT}-01,00-{TRACE}-{PARENT}-01",
    ],
    ids=ascii,
)
def test_an_invalid_header_has_no_trace_id(header: str) -> None:
    """A header with a wrong version, length, digit, separator or number of fields is ignored, as is an id of zeros."""
    assert parse_trace_id(header) is None


def test_nginx_uses_the_same_pattern() -> None:
    """The pattern in the log format of nginx equals the pattern of the API, apart from the name of the group."""
    template = (ROOT / "nginx/templates/log.conf.template").read_text(encoding="utf-8")
    assert f'"~^{TRACEPARENT.pattern.replace("([0-9a-f]{32})", "(?<trace_digits>[0-9a-f]{32})")}$"' in template
