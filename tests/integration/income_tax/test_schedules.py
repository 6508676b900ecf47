"""Tests of `GET /schedules` over HTTP, and of the credentials that all calculation routes require."""

import pytest

from tests.integration.income_tax.law_requests import CURVE, QUERY, assert_json_error
from tests.support.data import schedules
from tests.support.service import Service


def test_schedules(service: Service) -> None:
    """The response contains the parameters of the data file, their units and law articles, and all schedules."""
    answer = service.get("/schedules")
    told, data = answer.body["response"], schedules().data
    assert [schedules().version, [*range(2018, 2026)]] == [told["version"], told["years"]]
    assert data["parameters"] == told["parameters"]
    assert {*map(str, range(2018, 2026)), "v7"} == told["schedules"].keys()
    assert {"value": 1791, "since": "2024-01-01"} == {
        name: told["schedules"]["2024"]["cap_half_share"][name] for name in ("value", "since")
    }
    assert {"above": 11_497, "rate": 0.11} == told["schedules"]["2024"]["scale"]["brackets"][1]
    assert [] == [n for s in told["schedules"].values() for n in s if n not in told["parameters"]]
    assert all(words["unit"] and words["article"] for words in told["parameters"].values())


def test_one_schedule(service: Service) -> None:
    """The response for one schedule combines its values with their descriptions, and an unknown schedule gets a 404."""
    told = service.get("/schedules/2024").body["response"]
    assert "2024" == told["schedule"]
    whole = service.get("/schedules").body["response"]
    assert {name: whole["parameters"][name] | figure for name, figure in whole["schedules"]["2024"].items()} == told[
        "parameters"
    ]
    answer = service.get("/schedules/2030")
    assert_json_error(answer, 404)
    assert [*map(str, range(2018, 2026)), "v7"] == answer.body["response"]["expected"]


@pytest.mark.parametrize("target", ["/schedules", "/schedules/2018"])
def test_schedules_are_cacheable_by_the_client(service: Service, target: str) -> None:
    """The response has `Cache-Control: private`, and a client can revalidate the response with its ETag."""
    answer = service.get(target)
    assert "private" == answer.headers["cache-control"]
    again = service.request("GET", target, If_None_Match=answer.headers["etag"])
    assert (304, b"") == (again[0], again[2])
    assert 200 == service.get(target, If_None_Match='"other"').status


@pytest.mark.parametrize("target", [QUERY, "/curve?" + CURVE, "/schedules", "/schedules/2024"])
def test_credentials_are_required(service: Service, target: str) -> None:
    """Each calculation or schedule route requires credentials."""
    assert_json_error(service.get(target, credentials=None), 401)
