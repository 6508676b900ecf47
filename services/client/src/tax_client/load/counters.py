"""What a flood counts: each process tells its news several times a second, the sum of them all is the run's."""

from collections import Counter
from dataclasses import dataclass, field

from .histogram import Latencies

KEPT = 100  # wrong answers that are listed
COUNTS = ("sent", "right", "wrong", "answered", "measured", "retries", "unsent", "cpu")  # what adds up


@dataclass(frozen=True, slots=True, order=True)
class Wrong:
    """An answer that is not the expected one: the request's number, its id and query, and how they differ."""

    number: int
    request_id: str
    query: str
    difference: str


@dataclass(slots=True)
class Tally:
    """Counts of requests.

    `latencies` are those of requests that were due after the warm-up, from then on: of right and wrong answers, and of
    time-outs as long as they were waited for. Other failures have none: a fast refusal would make them look good.
    `unpaced` are the same from when it was really sent; empty in a closed loop, where both are one. `retries` counts
    sendings that were not the first of their request; `unsent` requests that were due, but never had a connection.
    """

    sent: int = 0
    right: int = 0
    wrong: int = 0
    answered: int = 0  # whatever the answer was
    measured: int = 0  # of the answers, how many came in the time of which figures are made
    retries: int = 0
    unsent: int = 0
    failures: Counter[str] = field(default_factory=Counter)  # by kind
    retried: Counter[str] = field(default_factory=Counter)  # by kind, what the retries were for
    examples: dict[str, str] = field(default_factory=dict)  # of each kind, one message
    wrongs: list[Wrong] = field(default_factory=list)  # the first ones
    latencies: Latencies = field(default_factory=Latencies)
    unpaced: Latencies = field(default_factory=Latencies)
    cpu: float = 0.0  # seconds of processor time
    lost: int = 0  # lines that the log lacks
    last: float = 0.0  # when the last measured answer came, in seconds from the begin of the run

    @property
    def failed(self) -> int:
        """Requests that gave no result."""
        return self.failures.total()

    @property
    def done(self) -> int:
        """Requests whose outcome is known."""
        return self.right + self.wrong + self.failed

    @property
    def unanswered(self) -> int:
        """Requests that were sent, and whose outcome nobody waited for."""
        return self.sent - self.done

    @property
    def due(self) -> int:
        """Requests that were to be sent."""
        return self.sent + self.unsent

    @property
    def errors(self) -> int:
        """Requests that were to be sent, and did not come to a right answer."""
        return self.due - self.right

    def add(self, news: "Tally") -> None:
        """Add the counts of another tally; the wrong answers kept are those of the lowest numbers."""
        for name in COUNTS:
            setattr(self, name, getattr(self, name) + getattr(news, name))
        self.lost += news.lost
        self.last = max(self.last, news.last)
        self.failures.update(news.failures)
        self.retried.update(news.retried)
        self.examples = news.examples | self.examples
        self.wrongs = sorted([*self.wrongs, *news.wrongs])[:KEPT]
        self.latencies.add(news.latencies)
        self.unpaced.add(news.unpaced)
