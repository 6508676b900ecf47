"""Taxes under the law of each income year over HTTP, with GET requests, JSON bodies and CSV bodies."""

import csv
import io
import json

from tests.integration.income_tax.law_requests import CSV, CURVE, HOUSEHOLD, JSON, QUERY, assert_json_error, get_all
from tests.support.budget import budget
from tests.support.data import law_cases, official_cases, schedules, v7_cases
from tests.support.law import as_result, asked, csv_of, query_of
from tests.support.service import Service


def test_all_cases_by_get(service: Service) -> None:
    """`GET /` returns the expected result of each case."""
    cases = law_cases()[:: budget(7, 1)]  # a usual run skips most cases, because the batch tests use all cases
    assert [as_result(case) for case in cases] == [
        {name: value for name, value in result.items() if name in as_result(case)}
        for case, result in zip(cases, get_all(service, [query_of(case) for case in cases]), strict=True)
    ]


def test_all_cases_explained(service: Service) -> None:
    """The steps of each explained result contain the expected taxes for all shares and for the adults' shares."""
    names, cases = ("tax_all_shares", "tax_adult_shares"), law_cases()[:: budget(7, 1)]
    results = get_all(service, [query_of(case) + "&explain=yes" for case in cases])
    found = [{step["name"]: step["result"] for step in result["steps"]} for result in results]
    assert [[case[name] for name in names] for case in cases] == [[steps[name] for name in names] for steps in found]


def test_official_cases_by_get(service: Service) -> None:
    """`GET /` returns the same taxes for 2018 as the tax authority's simulator."""
    cases = official_cases()
    assert [case["tax"] for case in cases] == [r["tax"] for r in get_all(service, [query_of(c) for c in cases])]


def test_all_cases_in_one_json(service: Service) -> None:
    """`POST /` returns the expected results of all cases, with and without a year, in one JSON array."""
    cases = [*law_cases(), *official_cases()]
    answer = service.post(json.dumps([asked(case) for case in cases] + [asked(case) for case in v7_cases()]), JSON)
    results = [item["result"] for item in answer.body["response"]["results"]]
    assert v7_cases() == results[len(cases) :]
    for case, result in zip(cases, results, strict=False):
        assert as_result(case) == {name: value for name, value in result.items() if name in as_result(case)}


def test_all_cases_in_one_csv(service: Service) -> None:
    """`POST /` accepts all cases with a year in one CSV body, and returns the expected results as CSV."""
    cases = [*law_cases(), *official_cases()]
    answer = service.post_raw(csv_of(cases), CSV, Accept=CSV)
    assert 200 == answer[0]
    lines = list(csv.DictReader(io.StringIO(answer[2].decode(), newline="")))
    assert [{n: str(v) for n, v in as_result(case).items()} for case in cases] == [
        {name: text for name, text in line.items() if name in as_result(case)}
        for case, line in zip(cases, lines, strict=True)
    ]
    assert {""} == {line["errors"] for line in lines}


def test_csv_responses_are_logged(service: Service) -> None:
    """The service logs the body of a CSV response."""
    body = "year,married,children,salary\n2024,yes,2,50000\n"
    _, headers, answer = service.post_raw(body, CSV, Accept=CSV)
    (line,) = [r for r in service.log() if r.get("request_id") == headers["x-request-id"] and r["event"] == "answer"]
    assert answer.decode() == line["body"]


def test_one_object_equals_get(service: Service) -> None:
    """A POST returns the same result as a GET, and the logged URL of the POST does not contain the household."""
    one = service.get(QUERY + "&explain=yes")
    other = service.post(json.dumps(HOUSEHOLD | {"explain": "yes"}), JSON)
    assert [200, 200] == [one.status, other.status]
    assert one.body == other.body
    assert "deduction" == one.body["response"]["result"]["steps"][0]["name"]
    urls = [
        record["url"] for record in service.log() if record.get("request_id") == other.request_id and "url" in record
    ]
    assert ["/"] == urls


def test_response_without_a_year_is_unchanged(service: Service) -> None:
    """The response to a request without a year equals the response of version 7 byte for byte."""
    target = "/?married=yes&children=2&salary=50000"
    status, _, body = service.request("GET", target)
    assert 200 == status
    assert (
        b'{"response":{"result":{"married":"yes","children":2,"salary":50000,"tax":1384,"surcharge":0,"rate":0.14,'
        b'"discount":384,"reduction":347}}}' == body
    )


def test_version_of_the_schedules(service: Service) -> None:
    """Each calculation response and the log line of the response contain the version of the schedules."""
    answers = [service.get(QUERY), service.post(json.dumps([HOUSEHOLD]), JSON), service.get("/curve?" + CURVE)]
    version = schedules().version
    assert [version] * 3 == [answer.headers["x-schedules-version"] for answer in answers]
    logged = {r["request_id"]: r["schedules"] for r in service.log() if r["event"] == "answer" and "schedules" in r}
    assert [version] * 3 == [logged[answer.request_id] for answer in answers]


def test_unknown_year_is_rejected_with_the_valid_years(service: Service) -> None:
    """The service rejects an unknown year and lists the valid years."""
    answer = service.get(QUERY.replace("2024", "2030"))
    assert_json_error(answer, 400)
    assert ["parameter [year] has an invalid value: [2030]"] == answer.errors
    assert ["[year] once: one of the income years 2018, 2019, 2020, 2021, 2022, 2023, 2024, 2025"] == answer.body[
        "response"
    ]["expected"]
