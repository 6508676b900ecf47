"""Fakes for the client's unit tests: a log in a list, an API without HTTP, and an input file in memory."""

import io
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import orjson
import structlog

from tax_client.api.request_failures import Answer, ApiError
from tax_client.api.responses import Fields
from tax_client.taxpayers.reader import Line, Reader, Taxpayer
from tax_common.logs import Log


@dataclass(frozen=True, slots=True)
class Result:
    """A calculated tax under the tutorial's rules (v7)."""

    married: str
    children: int
    salary: int
    tax: int
    surcharge: int
    rate: float
    discount: int
    reduction: int


TWO_CHILDREN = Taxpayer(1, "yes", 2, 55555)
TWO_CHILDREN_TAX = Result("yes", 2, 55555, 2814, 0, 0.14, 0, 0)


def build_list_log() -> tuple[Log, list[dict[str, Any]]]:
    """Build a log, and a list that collects the events of the log."""
    events: list[dict[str, Any]] = []

    def keep(_logger: Any, level: str, event: structlog.typing.EventDict) -> Mapping[str, Any]:
        events.append({**event, "level": level, "thread": threading.current_thread().name})
        raise structlog.DropEvent

    log: Log = structlog.wrap_logger(
        None,
        processors=[structlog.contextvars.merge_contextvars, keep],
        wrapper_class=structlog.make_filtering_bound_logger("debug"),
    )
    return log, events


def build_answer(result: Result, **changes: Any) -> Answer:
    """Build the API's answer with a result. `changes` replaces fields of the result."""
    return Answer(200, orjson.dumps({"response": {"result": {**asdict(result), **changes}}}))


class FakeApi:
    """An API that returns the results of a function and records the request ids."""

    def __init__(self, calculate: Callable[[Taxpayer], Result]) -> None:
        self._calculate = calculate
        self.request_ids: list[str] = []

    def calculate(self, taxpayer: Taxpayer, request_id: str) -> Fields:
        """Record the request id and return the function's result."""
        self.request_ids.append(request_id)
        return asdict(self._calculate(taxpayer))

    def calculate_many(self, taxpayers: Sequence[Taxpayer], request_id: str) -> list[Fields | ApiError]:
        """Record the request id. For each taxpayer, return the function's result or the ApiError that it raises."""
        self.request_ids.append(request_id)
        results: list[Fields | ApiError] = []
        for taxpayer in taxpayers:
            try:
                results.append(asdict(self._calculate(taxpayer)))
            except ApiError as error:
                results.append(error)
        return results


def return_zeros(taxpayer: Taxpayer) -> Result:
    """Return a result that echoes the household and has amounts of 0."""
    return Result(taxpayer.married, taxpayer.children, taxpayer.salary, 0, 0, 0.0, 0, 0)


def read_lines(content: bytes, form: str = "lines", year: int | None = None) -> list[Line]:
    """Return the taxpayers and bad lines of a file with this content."""
    return list(Reader(io.BytesIO(content), form, year))
