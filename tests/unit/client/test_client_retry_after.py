"""What a server's Retry-After asks for."""

import time
from collections.abc import Iterator

import pytest

from tax_client.api.retry_after import LONGEST_ASKED, seconds_of

NOW = 1_792_567_650.0  # Wed, 21 Oct 2026 07:27:30 GMT


@pytest.fixture(autouse=True)
def zone() -> Iterator[None]:
    """The time zone of the tests, again."""
    yield
    time.tzset()


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("", 0),
        ("7", 7),
        ("-7", 0),
        ("7.5", 0),
        ("٣", 0),
        ("soon", 0),
        ("Wed, 21 Oct 2026 07:28:00 GMT", 30),
        ("Wed, 21 Oct 2026 07:27:00 GMT", 0),
        ("Wednesday, 21-Oct-26 07:28:00 GMT", 30),
        ("Wed Oct 21 07:28:00 2026", 30),
        ("Wed, 21 Oct 2026 07:28:00 -0000", 30),
        ("Wed, 21 Oct 2026 09:28:00 +0200", 30),
        ("Wed, 99 Oct 2026 07:28:00 GMT", 0),
    ],
)
def test_seconds_and_dates_are_understood(header: str, seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """A number of seconds is taken, or the time until a date, wherever one is; else it is as if there were none."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    assert seconds == seconds_of(header, lambda: NOW)


def test_a_number_of_any_length_is_a_long_time() -> None:
    """A number with thousands of digits breaks nothing."""
    assert seconds_of("9" * 5000) > LONGEST_ASKED
