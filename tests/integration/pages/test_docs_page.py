"""The description of the API in a real browser: every call is tried, everybody can read it."""

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.support.browser import Open
from tests.support.docs_page import execute, expand
from tests.support.service import Service


def operations(service: Service) -> list[tuple[str, str]]:
    """Tag and name of every operation that the description has."""
    paths: dict[str, Any] = service.get("/openapi.json").body["paths"]
    return [(each["tags"][0], each["operationId"]) for path in paths.values() for each in path.values()]


def test_every_call_can_be_tried(opened: Open, service: Service, family: dict[str, Any]) -> None:
    """Each operation, executed as its example stands there, has a good answer below it, which is that of the API."""
    found = operations(service)
    assert {"calculate", "calculate_posted", "curve", "schedule", "status"} <= {name for _, name in found}
    with opened() as tab:
        tab.open("/docs")
        assert tab.text("#swagger-ui h2.title, #swagger-ui h1").startswith("French income tax")
        answers = {name: execute(expand(tab, tag, name)) for tag, name in found}
        assert all(answers.values())
        assert f'"collected": {family["collected"]}' in answers["calculate"]


def test_csv_can_be_posted(opened: Open) -> None:
    """With the body changed to CSV the box holds CSV that the service takes; changed back, it holds JSON."""
    with opened() as tab:
        tab.open("/docs")
        operation = expand(tab, "calculation", "calculate_posted")
        kind, box = operation.get_by_label("Request content type"), operation.locator("textarea")
        kind.select_option("text/csv")
        expect(box).to_have_value(re.compile("^[a-z_]+,.*\n"))
        execute(operation)
        kind.select_option("application/json")
        expect(box).to_have_value(re.compile(r"^[{\[]"))
        execute(operation)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_accessible(opened: Open, service: Service, scheme: str) -> None:
    """axe-core finds nothing serious on the whole page: closed, with all operations open, and with answers."""
    with opened(color_scheme=scheme) as tab:
        tab.open("/docs")
        assert [] == tab.serious()
        for tag, name in operations(service):
            operation = expand(tab, tag, name)
            if name in ("calculate", "live"):
                execute(operation)
        assert [] == tab.serious()
