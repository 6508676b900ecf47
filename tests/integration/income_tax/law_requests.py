"""Requests and helpers for the tests of the law of each income year."""

import json
from http.client import HTTPConnection
from typing import Any

from tests.support.service import Answer, Service

HOUSEHOLD = {"year": 2024, "married": "yes", "children": 2, "salary": 50_000}
QUERY = "/?year=2024&married=yes&children=2&salary=50000"
CURVE = "year=2024&married=yes&children=2&from=0&to=120000&step=500"
JSON, CSV = "application/json", "text/csv"


def assert_json_error(answer: Answer, status: int) -> None:
    assert status == answer.status
    assert "application/json" == answer.headers["content-type"]
    assert answer.errors
    assert all(isinstance(error, str) for error in answer.errors)
    assert answer.request_id == answer.body["response"]["request_id"]


def get_all(service: Service, targets: list[str]) -> list[Any]:
    """Request many targets over one connection, and return the results."""
    connection = HTTPConnection("127.0.0.1", service.port, timeout=60)
    results = []
    for target in targets:
        connection.request("GET", target, headers={"Authorization": service.authorization})
        results.append(json.load(connection.getresponse())["response"]["result"])
    connection.close()
    return results
