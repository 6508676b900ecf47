"""Tests of the workload: the requests of a run and their expected answers."""

import json
from pathlib import Path

import pytest

from tax_client.load.workload import read_published_results, read_workload
from tax_client.user_errors import UserError

RESULT = {"married": "yes", "children": 2, "salary": 5, "tax": 0}
LINE = json.dumps({"query": "year=2024&married=yes&children=2&salary=5", "expected": RESULT})
HOUSEHOLD = {"year": 2024, "married": "yes", "children": 2, "salary": 5}


@pytest.fixture
def lines(tmp_path: Path) -> Path:
    """Write a workload of three households and return its path."""
    path = tmp_path / "workload.jsonl"
    path.write_text(f"{LINE}\n" * 3)
    return path


def test_each_line_is_a_request_with_its_right_body(lines: Path) -> None:
    """A line with a query and a result gives a request and its expected body."""
    workload = read_workload(lines, None)
    assert 3 == len(workload)
    assert "year=2024&married=yes&children=2&salary=5" == workload.queries[0]
    assert {"response": {"result": RESULT}} == json.loads(workload.right[0])
    assert [] == workload.bodies


def test_a_batch_is_an_array_of_households(lines: Path) -> None:
    """Three households in batches of two give two request bodies, in which digits become JSON numbers."""
    workload = read_workload(lines, 2)
    assert [[HOUSEHOLD] * 2, [HOUSEHOLD]] == [json.loads(body) for body in workload.bodies]
    assert {"response": {"results": [{"result": RESULT}]}} == json.loads(workload.right[1])
    assert 1.5 == workload.households, "`households` must be the average number of households per request"


@pytest.mark.parametrize(("batch", "households"), [(None, 1), (3, 3), (500, 3)])
def test_a_request_has_no_more_households_than_there_are(lines: Path, batch: int | None, households: int) -> None:
    """A request contains at most as many households as the file, even if the batch size is larger."""
    assert households == read_workload(lines, batch).households


def test_the_published_results_are_a_workload(tmp_path: Path) -> None:
    """The fields of a published household form the query. The expected answer has all fields except the id."""
    path = tmp_path / "published.json"
    path.write_text(json.dumps([{"id": 7, **RESULT}]))
    workload = read_published_results(path, None)
    assert ["married=yes&children=2&salary=5"] == workload.queries
    assert {"response": {"result": RESULT}} == json.loads(workload.right[0])


@pytest.mark.parametrize(
    "line", ["x", "[]", "{}", '{"query": 1, "expected": {}}', '{"query": "é", "expected": {}}', '{"query": "a=1"}']
)
def test_the_error_of_a_bad_line_contains_its_number(lines: Path, line: str) -> None:
    """The error about a bad line contains its number, the expected form, and the command that writes workloads."""
    with lines.open("a") as stream:
        stream.write(line + "\n")
    with pytest.raises(UserError, match=r"line 4: expected .*income-tax expected"):
        read_workload(lines, None)


def test_an_empty_workload_is_rejected(tmp_path: Path) -> None:
    """The reader raises UserError for an empty file and for a missing file."""
    (tmp_path / "empty").touch()
    with pytest.raises(UserError, match="found an empty file"):
        read_workload(tmp_path / "empty", None)
    with pytest.raises(UserError, match="No such file"):
        read_workload(tmp_path / "missing", None)
