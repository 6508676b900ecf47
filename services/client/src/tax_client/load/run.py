"""A run: what was counted in all and from time to time, and under which circumstances."""

from dataclasses import dataclass, field
from typing import Any

from .channel import TELL_EVERY, News
from .counters import Tally

NEARLY_ALL = 0.9  # of the processor time that a client can have: then its figures are its own, not the server's
SHORTEST = 0.01  # seconds between two news, to tell a load by
LONG_ENOUGH = 1.0  # seconds, to tell what the limit was
LIMIT = "the client is the limit, not the server: more --processes, or more cores, would send more"
INTERVALS_MAX, COARSER = 480, 4  # that many are kept: of 0.25 s for two minutes, then of 1 s, of 4 s...


@dataclass(slots=True)
class Interval:
    """What was counted in a short part of a run, and how many requests were on their way at its end."""

    tally: Tally = field(default_factory=Tally)
    flying: int = 0

    def add(self, other: "Interval") -> None:
        """Add another part of about the same time."""
        self.tally.add(other.tally)
        self.flying += other.flying


@dataclass(slots=True)
class Run:
    """A flood so far, or at its end; times in seconds.

    `started` is when it began, as seconds since 1970; `cores` what its processes can use together.
    """

    started: float
    settings: dict[str, Any]
    machine: dict[str, Any]
    cores: float
    length: float | None = None  # how long it was to send; None: until all was sent
    measured_from: float = 0.0  # ramp-up and warm-up are over: of what comes from then on, figures are made
    measured_until: float = 0.0
    clients: int = 1
    elapsed: float = 0.0
    total: Tally = field(default_factory=Tally)
    interval: float = TELL_EVERY  # seconds of each of the following, which begin at its multiples
    intervals: dict[int, Interval] = field(default_factory=dict)
    interrupted_by: int = 0  # a signal
    ended_badly: list[str] = field(default_factory=list)  # sentences on what the client could not do
    remarks: list[str] = field(default_factory=list)  # on how the figures are to be read, and what the log lacks

    @property
    def measured_seconds(self) -> float:
        """How long answers counted for the throughput."""
        return max(0.0, self.measured_until - self.measured_from)

    @property
    def rate(self) -> float:
        """Answers a second, whatever they were, of those that came in the measured time."""
        return self.total.measured / self.measured_seconds if self.measured_seconds else 0.0

    @property
    def is_sound(self) -> bool:
        """Whether something was sent, and the client itself did well."""
        return self.total.sent > 0 and not self.ended_badly

    @property
    def all_right(self) -> bool:
        """Whether it is sound, and all that was due came to a right answer."""
        return self.is_sound and not self.total.errors

    @property
    def client_load(self) -> float:
        """Which part of the processor time that it can have the client used."""
        return self.total.cpu / (self.elapsed * self.cores) if self.elapsed else 0.0

    @property
    def client_is_limit(self) -> bool:
        """Whether the figures are rather the client's than the server's."""
        return self.elapsed >= LONG_ENOUGH and self.client_load >= NEARLY_ALL

    def coarsen(self, interval: float) -> None:
        """Make intervals longer: of so many seconds, a multiple of what they have."""
        factor = round(interval / self.interval)
        if factor == 1:
            return
        finer, self.intervals, self.interval = self.intervals, {}, interval
        for number, part in sorted(finer.items()):
            into = self.intervals.setdefault(number // factor, Interval())
            into.tally.add(part.tally)
            into.flying = part.flying


class Recorder:
    """Makes a run of the news of its processes."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self._last: dict[int, News] = {}  # of each process that is still there
        self._loads: dict[int, float] = {}  # the processor time of each, of a second

    def hear(self, process: int, news: News) -> None:
        """Add what a process tells."""
        run = self.run
        run.total.add(news.tally)
        run.elapsed = max(run.elapsed, news.elapsed)
        run.measured_until = run.elapsed if run.length is None else min(run.elapsed, run.length)
        number = int(news.quarter * TELL_EVERY / run.interval)
        if number >= INTERVALS_MAX:
            run.coarsen(run.interval * COARSER)
            number //= COARSER
        part = run.intervals.setdefault(number, Interval())
        part.tally.add(news.tally)
        before = self._last[process].elapsed if process in self._last else 0.0
        self._loads[process] = news.tally.cpu / max(news.elapsed - before, SHORTEST)
        self._last[process] = news
        part.flying = sum(one.flying for one in self._last.values())

    def gone(self, process: int) -> None:
        """A process has ended: it has nothing on its way any more, and uses no processor."""
        self._last.pop(process, None)
        self._loads.pop(process, None)

    def end(self, requests: int | None, stopped: float | None) -> None:
        """All processes have ended: find when the measured time was over, whatever was still waited for then.

        It was when they were told to stop (`stopped`, seconds from the begin), or when the last answer came, if all
        `requests` were sent, or at the planned end.
        """
        run = self.run
        if stopped is not None:
            run.measured_until = min(run.measured_until, stopped)
        elif requests is not None and run.total.sent >= requests:
            run.measured_until = run.total.last or run.measured_until
        elif run.length is not None and not run.ended_badly:
            run.measured_until = run.length

    @property
    def load_now(self) -> float:
        """Which part of its processor time the client uses, by what each process told last."""
        return sum(self._loads.values()) / self.run.cores

    @property
    def rate_now(self) -> float:
        """Answers a second in the last whole interval."""
        run = self.run
        part = run.intervals.get(max(run.intervals, default=0) - 1)
        return part.tally.answered / run.interval if part else run.rate
