"""The requests of a load run, and the expected answer to each request."""

from argparse import Namespace
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import orjson

from tax_client.settings import Settings
from tax_client.user_errors import UserError, build_file_error

from .answer_check import build_body

REMEDY = "use `income-tax expected` to write a workload"
PUBLISHED_REMEDY = "set --published to a results file, or TAX_DATA to the folder of published.json"
HOUSEHOLD = ("married", "children", "salary")  # the request fields under the tutorial's rules (v7)
LINE = '{"query": "year=2025&married=yes&...", "expected": {...}}'


@dataclass(frozen=True, slots=True)
class Question:
    """A household as a query string, and the expected fields of its result."""

    query: str
    expected: dict[str, Any]

    @property
    def household(self) -> dict[str, Any]:
        """The household as a JSON object. A value that consists of digits becomes a number."""
        return {name: int(value) if value.isdigit() else value for name, value in parse_qsl(self.query)}


@dataclass(slots=True)
class Workload:
    """The requests of a run, either GET `queries` or POST `bodies`, and a correct response body for each request.

    A run sends the requests in order and repeats the sequence. If the server serializes the same values differently,
    the run stores the server's body in `right`. The run can then compare later answers byte by byte.
    """

    queries: list[str]
    bodies: list[bytes]
    right: list[bytes]
    households: float  # average number of households per request

    def __len__(self) -> int:
        return len(self.right)

    def describe_request(self, entry: int) -> str:
        """Describe a request for reports. The description is the query of a GET, or the batch number of a POST."""
        return self.queries[entry] if self.queries else f"batch {entry} of the workload"


def load_workload(options: Namespace, settings: Settings) -> Workload:
    """Read the file of --workload. Without this option, read published results. Raises UserError for a bad file."""
    if options.workload:
        return read_workload(options.workload, options.batch)
    return read_published_results(options.published or settings.data / "published.json", options.batch)


def read_workload(path: Path, batch: int | None) -> Workload:
    """Read a workload from a file of JSON lines. Raises UserError for an unreadable file or an invalid line."""
    try:
        with path.open("rb") as lines:
            workload = build_workload(parse_questions(lines, path), batch)
    except OSError as error:
        raise build_file_error("workload", path, error, REMEDY) from None
    if not workload:
        raise UserError(f"workload [{path}]: expected lines such as {LINE}, found an empty file: {REMEDY}")
    return workload


def read_published_results(path: Path, batch: int | None) -> Workload:
    """Read a workload from a file of published results. Raises UserError for an unreadable or invalid file."""
    try:
        return build_workload(iter(parse_published_results(path.read_bytes())), batch)
    except OSError as error:
        raise build_file_error("published results", path, error, PUBLISHED_REMEDY) from None
    except (KeyError, TypeError, ValueError) as error:
        problem = f"missing field {error}" if isinstance(error, KeyError) else error
        wanted = f"expected a JSON array of at least one result ({problem})"
        raise UserError(f"published results [{path}]: {wanted}: {PUBLISHED_REMEDY}") from None


def parse_questions(lines: Iterator[bytes], path: Path) -> Iterator[Question]:
    """Parse questions from JSON lines. Raises UserError for an invalid line."""
    for number, line in enumerate(lines, start=1):
        try:
            content = orjson.loads(line)
            query, expected = content["query"], content["expected"]
            if not (isinstance(query, str) and query.isascii() and query.isprintable() and isinstance(expected, dict)):
                raise TypeError
        except (orjson.JSONDecodeError, KeyError, TypeError):
            raise UserError(f"workload [{path}]: line {number}: expected {LINE}: {REMEDY}") from None
        yield Question(query, expected)


def parse_published_results(content: bytes) -> list[Question]:
    """Parse questions from a JSON array of results. Raises KeyError, TypeError or ValueError for invalid content."""
    rows = orjson.loads(content)
    if not isinstance(rows, list) or not rows:
        raise ValueError("found no result")
    return [
        Question(urlencode({name: row[name] for name in HOUSEHOLD}), {n: v for n, v in row.items() if n != "id"})
        for row in rows
    ]


def build_workload(questions: Iterator[Question], batch: int | None) -> Workload:
    """Build a GET request per question if `batch` is None, else a POST request for every `batch` questions."""
    workload = Workload([], [], [], 1)
    if batch is None:
        for question in questions:
            workload.queries.append(question.query)
            workload.right.append(build_body(question.expected))
        return workload
    households = 0
    while group := list(islice(questions, batch)):
        households += len(group)
        workload.bodies.append(orjson.dumps([question.household for question in group]))
        workload.right.append(build_body([question.expected for question in group]))
    workload.households = households / max(1, len(workload))
    return workload
