"""How long a server asks to wait before a request is sent again (RFC 9110, 10.2.3)."""

import time
from collections.abc import Callable
from datetime import UTC
from email.utils import parsedate_to_datetime

LONGEST_ASKED = 300.0  # seconds; a server that asks for more patience than that is not asked again


def seconds_of(header: str, now: Callable[[], float] = time.time) -> float:
    """The seconds of a Retry-After header, as a number or until a date; 0 where it says neither, or a time gone by."""
    if header.isascii() and header.isdigit():
        return float(header[:9])
    try:
        date = parsedate_to_datetime(header)
        # One that names no zone is GMT (RFC 9110, 5.6.7), whatever is the time here.
        return max(0.0, (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - now())
    except (ValueError, OverflowError):
        return 0.0
