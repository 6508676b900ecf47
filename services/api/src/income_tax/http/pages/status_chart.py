"""The chart of the status page. It shows the responses of each minute of the last hour by status class."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from income_tax.monitoring.request_history import TimeBucket

WIDTH, HEIGHT = 1000, 120  # units of the SVG
SEGMENT_MIN = 3  # height of the smallest segment; otherwise a few failures beside many requests would be invisible
TICK_MINUTES = 10
SEGMENTS = {5: "failed", 4: "rejected", 2: "answered"}  # CSS class of each status class, from the bottom to the top


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a bar. Its position and its size are in units of the SVG."""

    style: str
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Bar:
    """The responses of one minute."""

    x: float
    width: float
    label: str
    segments: list[Segment]


@dataclass(frozen=True, slots=True)
class Chart:
    """The bars, the highest value of the vertical axis, and the times below the horizontal axis."""

    bars: list[Bar]
    top: int
    times: list[str]


def build_chart(minutes: Mapping[int, TimeBucket]) -> Chart:
    """Build the chart from the responses of each minute. The keys are the start times of the minutes."""
    top = round_up(max(bucket.requests for bucket in minutes.values()))
    step = WIDTH / len(minutes)
    bars = [
        Bar(round(index * step + 1, 2), round(step - 2, 2), describe_minute(begin, one), build_segments(one, top))
        for index, (begin, one) in enumerate(minutes.items())
        if one.requests
    ]
    begins = [*minutes]
    times = [format_minute(begin) for begin in (*begins[::TICK_MINUTES], begins[-1] + 60)]
    return Chart(bars, top, times)


def round_up(value: int) -> int:
    """Return the lowest number from 2, 4, 10, 20, 40, 100 ... that is not lower than the value."""
    scale = 1
    while True:
        for step in (2, 4, 10):
            if step * scale >= value:
                return step * scale
        scale *= 10


def build_segments(bucket: TimeBucket, top: int) -> list[Segment]:
    """Build the segments of a bar. Redirects (3xx) count as answered."""
    counts = {5: bucket.statuses[5], 4: bucket.statuses[4]}
    counts[2] = bucket.requests - sum(counts.values())
    segments, y = [], float(HEIGHT)
    for status_class, style in SEGMENTS.items():
        if count := counts[status_class]:
            height = max(SEGMENT_MIN, HEIGHT * count / top)
            y -= height
            segments.append(Segment(style, round(y, 2), round(height, 2)))
    return segments


def describe_minute(begin: int, bucket: TimeBucket) -> str:
    """Return the text that a pointer on a bar shows."""
    statuses = ", ".join(f"{count} × {status_class}xx" for status_class, count in sorted(bucket.statuses.items()))
    return f"{format_minute(begin)}: {bucket.requests} requests ({statuses})"


def format_minute(moment: float) -> str:
    """Format a Unix timestamp as the time of day in UTC, without seconds."""
    return datetime.fromtimestamp(moment, UTC).strftime("%H:%M")
