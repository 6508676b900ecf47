"""What a flood asks, and what the right answers are: figures that were known before the run, never the server's own."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import orjson

from tax_client.errors import UserError, build_file_error

from .answer_check import body_of

REMEDY = "make it with `income-tax expected`"
PUBLISHED_REMEDY = "give a results file with --published, or its folder with TAX_DATA"
HOUSEHOLD = ("married", "children", "salary")  # of the rules of version 7
LINE = '{"query": "married=yes&...", "expected": {...}}'


@dataclass(frozen=True, slots=True)
class Question:
    """A household as a query string, and the fields of its result."""

    query: str
    expected: dict[str, Any]

    @property
    def household(self) -> dict[str, Any]:
        """The household as JSON has it: digits are numbers."""
        return {name: int(value) if value.isdigit() else value for name, value in parse_qsl(self.query)}


@dataclass(slots=True)
class Workload:
    """Requests, sent in turn again and again: `queries` of GET, or `bodies` of POST, and of each a body that is right.

    The right bodies are replaced during a run by the server's way to write the same, so that most compare as bytes.
    """

    queries: list[str]
    bodies: list[bytes]
    right: list[bytes]
    households: float  # of one request, on average

    def __len__(self) -> int:
        return len(self.right)

    def ask(self, entry: int) -> str:
        """What a wrong answer's report names the request by."""
        return self.queries[entry] if self.queries else f"batch {entry} of the workload"


def read_workload(path: Path, batch: int | None) -> Workload:
    """The requests of a file of JSON lines. Raises UserError, which names the line."""
    try:
        with path.open("rb") as lines:
            workload = workload_of(questions(lines, path), batch)
    except OSError as error:
        raise build_file_error("workload", path, error, REMEDY) from None
    if not workload:
        raise UserError(f"workload [{path}]: expected lines such as {LINE}, found none: {REMEDY}")
    return workload


def published_workload(path: Path, batch: int | None) -> Workload:
    """The requests of published results, a file in the form of the results file. Raises UserError."""
    try:
        return workload_of(iter(published_questions(path.read_bytes())), batch)
    except OSError as error:
        raise build_file_error("published results", path, error, PUBLISHED_REMEDY) from None
    except (KeyError, TypeError, ValueError) as error:
        wanted = "expected a JSON array of results, not empty"
        raise UserError(f"published results [{path}]: {wanted} ({error}): {PUBLISHED_REMEDY}") from None


def questions(lines: Iterator[bytes], path: Path) -> Iterator[Question]:
    """The questions of JSON lines. Raises UserError, which names the line."""
    for number, line in enumerate(lines, start=1):
        try:
            content = orjson.loads(line)
            query, expected = content["query"], content["expected"]
            if not (isinstance(query, str) and query.isascii() and query.isprintable() and isinstance(expected, dict)):
                raise TypeError
        except (orjson.JSONDecodeError, KeyError, TypeError):
            raise UserError(f"workload [{path}]: line {number}: expected {LINE}: {REMEDY}") from None
        yield Question(query, expected)


def published_questions(content: bytes) -> list[Question]:
    """The questions of an array of published results. Raises KeyError, TypeError or ValueError."""
    rows = orjson.loads(content)
    if not isinstance(rows, list) or not rows:
        raise ValueError("no result in it")
    return [
        Question(urlencode({name: row[name] for name in HOUSEHOLD}), {n: v for n, v in row.items() if n != "id"})
        for row in rows
    ]


def workload_of(asked: Iterator[Question], batch: int | None) -> Workload:
    """One request a question; with `batch`, one request for so many (the last one may have fewer)."""
    workload = Workload([], [], [], 1)
    if batch is None:
        for question in asked:
            workload.queries.append(question.query)
            workload.right.append(body_of(question.expected))
        return workload
    households = 0
    while group := list(islice(asked, batch)):
        households += len(group)
        workload.bodies.append(orjson.dumps([question.household for question in group]))
        workload.right.append(body_of(results_of(group)))
    workload.households = households / max(1, len(workload))
    return workload


def results_of(group: Sequence[Question]) -> list[dict[str, Any]]:
    """The results of a group, in its order."""
    return [question.expected for question in group]
