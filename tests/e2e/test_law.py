"""Tests that the stack applies the law of each income year, to single households and to batches."""

import csv
import io
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.data import law_cases, official_cases, schedules, v7_cases
from tests.support.law import as_result, asked, csv_of, query_of
from tests.support.service import Answer, request, running_service
from tests.support.stack import Stack

OF_VERSION_1 = (
    "DROP TABLE schema_version; DROP TABLE sources; DROP TABLE parameters; ALTER TABLE constants DROP COLUMN since"
)


@pytest.mark.both_databases
def test_schedules_are_the_data_file(stack: Stack, credentials: str, tmp_path: Path) -> None:
    """The stack returns the schedules of the data file, with the same version and bytes as a service on SQLite."""
    answer = stack.get("/schedules", credentials)
    assert schedules().version == answer.headers["x-schedules-version"] == answer.body["response"]["version"]
    with running_service(tmp_path) as service:
        of_sqlite = service.request("GET", "/schedules")[2]
    status, _, body = request(stack.http_port, "/schedules", credentials)
    assert 200 == status
    assert of_sqlite == body
    assert 304 == request(stack.http_port, "/schedules", credentials, If_None_Match=answer.headers["etag"])[0]


def test_cases_by_get(stack: Stack, credentials: str) -> None:
    """Single GET requests return the expected results of the 2,878 law cases and of the tax authority's 11 cases."""
    cases = [*law_cases(), *official_cases()]

    def ask(case: dict[str, object]) -> Answer:
        return stack.get(query_of(case), credentials)

    with ThreadPoolExecutor(16) as pool:
        results = [answer.body["response"]["result"] for answer in pool.map(ask, cases)]
    for case, result in zip(cases, results, strict=True):
        assert as_result(case) == {name: value for name, value in result.items() if name in as_result(case)}


def test_cases_by_batch(stack: Stack, credentials: str) -> None:
    """A JSON array of all cases and a CSV body of all cases with a year both get the expected results."""
    cases = [*law_cases(), *official_cases()]
    body = json.dumps([asked(case) for case in [*cases, *v7_cases()]]).encode()
    status, _, answer = request(stack.http_port, "/", credentials, "POST", body, Content_Type="application/json")
    results = [item["result"] for item in json.loads(answer)["response"]["results"]]
    assert (200, v7_cases()) == (status, results[len(cases) :])
    for case, result in zip(cases, results, strict=False):
        assert as_result(case) == {name: value for name, value in result.items() if name in as_result(case)}
    status, headers, answer = request(
        stack.http_port, "/", credentials, "POST", csv_of(cases).encode(), Content_Type="text/csv", Accept="text/csv"
    )
    assert (200, "text/csv; charset=utf-8") == (status, headers["content-type"])
    lines = csv.DictReader(io.StringIO(answer.decode(), newline=""))
    for case, line in zip(cases, lines, strict=True):
        assert {n: str(v) for n, v in as_result(case).items()} == {
            n: t for n, t in line.items() if n in as_result(case)
        }


def test_limit_of_a_batch(stack: Stack, credentials: str) -> None:
    """The stack accepts 10,000 households, and rejects more households with a 413 that contains the limit."""
    one = {"year": 2024, "married": "yes", "single_parent": "no", "children": 2, "salary": 50_000, "spouse_salary": 0}
    statuses = []
    for count in (10_000, 10_001, 100_000):
        body = json.dumps([one] * count).encode()
        status, _, answer = request(stack.http_port, "/", credentials, "POST", body, Content_Type="application/json")
        statuses.append((status, json.loads(answer)["response"].get("limit")))
    assert [(200, None), (413, 10_000), (413, 10_000)] == statuses


@pytest.mark.both_databases
def test_a_volume_of_an_older_service(stack: Stack, credentials: str) -> None:
    """The service answers requests even if the database has tables of an older version. `make up` migrates them."""
    owner = "PGPASSWORD=$(cat /run/secrets/db_owner_password) psql -h 127.0.0.1 -U tax_owner tax -c"
    if stack.database == "mysql":
        owner = "MYSQL_PWD=$(cat /run/secrets/db_owner_password) mysql -h 127.0.0.1 -u tax_owner tax -e"
    stack.output("db", "sh", "-c", f'{owner} "{OF_VERSION_1}"')
    target = query_of(law_cases()[0])
    refused = stack.execute("api", "sh", "-c", 'python -m income_tax reload "$DB"')
    assert 2 == refused.returncode
    assert "run `make up` or `income-tax seed` to update the database" in refused.stderr
    assert 200 == stack.get(target, credentials).status
    stack.make("up")
    stack.make("reload")
    assert schedules().version == stack.get(target, credentials).headers["x-schedules-version"]
