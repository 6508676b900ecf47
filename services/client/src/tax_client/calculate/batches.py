"""Consecutive lines of a taxpayers file that one thread calculates, and what became of them."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

from tax_client.api.results import Fields
from tax_client.taxpayers.reader import BadLine, Line, Position, Reader, Taxpayer

GROUP_MAX = 4  # taxpayers of one group, at most, where each has a request of its own
LINES_MAX = 1000  # and lines, many bad ones among them, where that is more than two for each taxpayer
INTERRUPTED = "interrupted: expected to finish before the interruption: go on with --resume, or run the client again"

UNSENT = "not sent: expected a login that the service takes: correct the credentials file, then run the client again"


@dataclass(frozen=True, slots=True)
class Failure:
    """A taxpayer that was not calculated, and why; the request's id is None when no request was sent."""

    id: int
    reason: str
    request_id: str | None


@dataclass(frozen=True, slots=True)
class Unread:
    """The lines from a number on, which an interruption left alone."""

    line: int
    reason: str = "interrupted: this line and all after it were not read: go on with --resume, or run the client again"


Problem = Failure | BadLine | Unread


@dataclass(slots=True)
class Group:
    """Lines, where they end, and what became of the taxpayers among them so far."""

    lines: list[Line]
    end: Position
    logged: bool = True  # each taxpayer has log lines of its own
    outcomes: dict[int, Fields | Failure] = field(default_factory=dict)  # by id; [] is atomic: no lock needed
    request_ids: dict[int, str] = field(default_factory=dict)
    left_out: str = INTERRUPTED  # why there is no outcome, of who has none

    @property
    def taxpayers(self) -> list[Taxpayer]:
        """Those to calculate."""
        return [line for line in self.lines if isinstance(line, Taxpayer)]

    def results(self) -> Iterator[tuple[int, Fields] | Failure | BadLine]:
        """What became of each line: an id with its result, or what is wrong; who has no outcome was left out."""
        for line in self.lines:
            if isinstance(line, BadLine):
                yield line
                continue
            outcome = self.outcomes.get(line.id)
            if isinstance(outcome, dict):
                yield line.id, outcome
            else:
                yield outcome or Failure(line.id, self.left_out, self.request_ids.get(line.id))


def split(reader: Reader, batch: int, seed: int | None, each: int) -> Iterator[Group]:
    """The file in groups of `batch` taxpayers, or of 1 to 4 at random (batch 0), the same ones for the same seed.

    Bad lines go with the taxpayer after them. Beyond `each` taxpayers none has log lines of its own.
    """
    chance = random.Random(seed)  # noqa: S311 - it hides nothing
    most = max(LINES_MAX, 2 * batch)
    lines: list[Line] = []
    count, size, wanted = 0, 0, batch or chance.randint(1, GROUP_MAX)
    for line in reader:
        lines.append(line)
        size += isinstance(line, Taxpayer)
        if size == wanted or len(lines) == most:
            count += size
            yield Group(lines, reader.position, count <= each)
            lines, size, wanted = [], 0, batch or chance.randint(1, GROUP_MAX)
    if lines:
        yield Group(lines, reader.position, count + size <= each)
