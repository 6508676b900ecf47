"""Batches of consecutive lines of a taxpayers file. One thread sends all requests of a batch."""

import random
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from tax_client.api.request_failures import TOO_LARGE, ApiError
from tax_client.api.responses import Fields
from tax_client.api.retry import Retrier
from tax_client.taxpayers.reader import BadLine, Line, Position, Reader, Taxpayer
from tax_common.logs import Log

SINGLES_MAX = 4  # without --batch, a thread takes up to this number of taxpayers and sends one request for each
LINES_MAX = 1000  # maximum number of good and bad lines in a batch; it is higher for more than 500 taxpayers
AGAIN = "continue with --resume, or run the client again"
INTERRUPTED = f"interrupted: the run ended before this taxpayer had a result: {AGAIN}"
UNSENT = "not sent: the service rejects the credentials: correct the credentials file, then run the client again"


@dataclass(frozen=True, slots=True)
class Failure:
    """A taxpayer without a result, and the reason for the failure. `request_id` is None if no request was sent."""

    id: int
    reason: str
    request_id: str | None


@dataclass(frozen=True, slots=True)
class UnreadLines:
    """The line with the number `line` and all later lines. They were not read, because a signal interrupted the run."""

    line: int
    reason: str = (
        "interrupted: this line and all later lines were not read: continue with --resume, or run the client again"
    )


Problem = Failure | BadLine | UnreadLines
Row = tuple[int, Fields]  # a taxpayer's id and result


@dataclass(slots=True)
class Batch:
    """Consecutive lines, the position after the last line, and the outcomes of the taxpayers so far."""

    lines: list[Line]
    end: Position
    is_logged: bool = True  # whether each taxpayer has its own log lines
    # Maps ids to outcomes. Threads need no lock to set an item, because setting an item is atomic.
    outcomes: dict[int, Fields | Failure] = field(default_factory=dict)
    request_ids: dict[int, str] = field(default_factory=dict)
    default_reason: str = INTERRUPTED  # the failure reason of taxpayers without an outcome

    @property
    def taxpayers(self) -> list[Taxpayer]:
        """The taxpayers among the lines."""
        return [line for line in self.lines if isinstance(line, Taxpayer)]

    def collect(self) -> tuple[list[Row], list[Problem]]:
        """Return a list of the results and a list of the problems. Both lists have the order of the lines."""
        rows: list[Row] = []
        problems: list[Problem] = []
        for line in self.lines:
            if isinstance(line, BadLine):
                problems.append(line)
            elif isinstance(outcome := self.outcomes.get(line.id), dict):
                rows.append((line.id, outcome))
            else:
                problems.append(outcome or Failure(line.id, self.default_reason, self.request_ids.get(line.id)))
        return rows, problems


def split_into_batches(reader: Reader, size: int, seed: int | None, log_limit: int) -> Iterator[Batch]:
    """Split a file into batches of `size` taxpayers. If `size` is 0, each batch has a random size from 1 to 4.

    A `seed` makes the random sizes repeatable. A batch also contains bad lines. It ends early if it has too
    many lines. The client logs taxpayers one by one until their number exceeds `log_limit`.
    """
    generator = random.Random(seed)  # noqa: S311 - no need for secure random numbers
    longest = max(LINES_MAX, 2 * size)
    lines: list[Line] = []
    total, count, wanted = 0, 0, size or generator.randint(1, SINGLES_MAX)
    for line in reader:
        lines.append(line)
        count += isinstance(line, Taxpayer)
        if count == wanted or len(lines) == longest:
            total += count
            yield Batch(lines, reader.position, total <= log_limit)
            lines, count, wanted = [], 0, size or generator.randint(1, SINGLES_MAX)
    if lines:
        yield Batch(lines, reader.position, total + count <= log_limit)


class Calculator(Protocol):
    """Calculates the tax of taxpayers. All threads share one calculator. The methods raise ApiError if they fail."""

    def calculate(self, taxpayer: Taxpayer, request_id: str) -> Fields:
        """Return the result of one taxpayer."""

    def calculate_many(self, taxpayers: Sequence[Taxpayer], request_id: str) -> list[Fields | ApiError]:
        """Return one item for each taxpayer, in order. An item is a result, or an ApiError after a failure."""


class BatchCalculator:
    """Calculates the tax of the taxpayers in batches. Thread-safe.

    If `in_batches` is true, the calculator sends one request per batch. Otherwise, it sends one request per taxpayer.
    """

    def __init__(self, calculator: Calculator, log: Log, *, in_batches: bool = False, retries: int = 0) -> None:
        self._calculator, self._log, self._in_batches = calculator, log, in_batches
        self._limit = sys.maxsize  # maximum taxpayers per request; halved when a request is too large
        self.retrier = Retrier(retries, log)

    def calculate(self, batch: Batch) -> None:
        """Calculate the tax of each taxpayer in a batch, and log the start and the end of the batch."""
        taxpayers = batch.taxpayers
        if taxpayers and not self.retrier.stopped.is_set():
            is_logged = batch.is_logged or self._in_batches
            if is_logged:
                self._log.info("thread_start", place="run", taxpayers=len(taxpayers))
            (self._calculate_together if self._in_batches else self._calculate_singly)(taxpayers, batch)
            if is_logged:
                self._log.info("thread_end", place="run", taxpayers=len(taxpayers))
        if self.retrier.unauthorized:
            batch.default_reason = UNSENT

    def _calculate_singly(self, taxpayers: list[Taxpayer], batch: Batch) -> None:
        """Send one request for each taxpayer, one after another. After the retrier stops, send no further request."""
        for taxpayer in taxpayers:
            if not self.retrier.stopped.is_set():
                self._calculate_one(taxpayer, batch)

    def _calculate_one(self, taxpayer: Taxpayer, batch: Batch) -> None:
        """Send the request for one taxpayer, and record and log the outcome."""
        fields = taxpayer.to_dict()

        def request(request_id: str) -> Fields:
            batch.request_ids[taxpayer.id] = request_id
            if batch.is_logged:
                self._log.info("calculation_start", place="run", taxpayer=fields)
            return self._calculator.calculate(taxpayer, request_id)

        outcome, request_id = self.retrier.send(request)
        if isinstance(outcome, str):
            batch.outcomes[taxpayer.id] = Failure(taxpayer.id, outcome, request_id)
            failure: dict[str, Any] = {"taxpayer": fields, "reason": outcome, "request_id": request_id}
            self._log.warning("calculation_failure", place="run", **failure)
            return
        batch.outcomes[taxpayer.id] = outcome
        if batch.is_logged:
            result = {"id": taxpayer.id, **outcome}
            self._log.info("calculation_end", place="run", result=result, request_id=request_id)

    def _calculate_together(self, taxpayers: list[Taxpayer], batch: Batch) -> None:
        """Send one request for all taxpayers. If the server rejects a request as too large, send smaller requests."""
        begin = 0
        while begin < len(taxpayers) and not self.retrier.stopped.is_set():
            part = taxpayers[begin : begin + self._limit]
            if self._calculate_part(part, batch):
                begin += len(part)
            else:
                self._limit = min(self._limit, len(part) // 2)

    def _calculate_part(self, taxpayers: list[Taxpayer], batch: Batch) -> bool:
        """Send one request for the taxpayers, store their outcomes and return True.

        If the request is too large and holds more than one taxpayer, store nothing and return False.
        """

        def request(request_id: str) -> list[Fields | ApiError] | None:
            batch.request_ids.update(dict.fromkeys([one.id for one in taxpayers], request_id))
            bounds = {"first": taxpayers[0].id, "last": taxpayers[-1].id}
            self._log.info("batch_start", place="run", taxpayers=len(taxpayers), **bounds)
            try:
                return self._calculator.calculate_many(taxpayers, request_id)
            except ApiError as error:
                if error.kind != TOO_LARGE or len(taxpayers) == 1:
                    raise
                return None

        found, request_id = self.retrier.send(request)
        if found is None:
            self._log.warning("batch_too_large", place="run", taxpayers=len(taxpayers), request_id=request_id)
            return False
        outcomes = [found] * len(taxpayers) if isinstance(found, str) else found
        calculated = 0
        for taxpayer, outcome in zip(taxpayers, outcomes, strict=True):
            if isinstance(outcome, dict):
                calculated += 1
                batch.outcomes[taxpayer.id] = outcome
            else:
                batch.outcomes[taxpayer.id] = Failure(taxpayer.id, str(outcome), request_id)
        counts = {"calculated": calculated, "failed": len(taxpayers) - calculated}
        self._log.info("batch_end", place="run", **counts, request_id=request_id)
        return True
