"""The description of the API in a real browser: every call is tried, everybody can read it."""

import re
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from tests.support.browser import Open, Tab, needs_chromium
from tests.support.stack import Stack

pytestmark = needs_chromium

SAMPLE = {"year": 2024, "married": "yes", "children": 2, "salary": 50000, "spouse_salary": 20000}


def operations(stack: Stack) -> list[tuple[str, str]]:
    """Tag and name of every operation that the description has."""
    paths: dict[str, Any] = stack.get("/openapi.json", stack.credentials).body["paths"]
    return [(each["tags"][0], each["operationId"]) for path in paths.values() for each in path.values()]


def expand(tab: Tab, tag: str, name: str) -> Locator:
    """The operation, opened."""
    operation = tab.page.locator(f"#operations-{tag}-{name}")
    operation.locator(".opblock-summary-control").click()
    return operation


def execute(operation: Locator) -> str:
    """Execute it as it stands; the answer of the service, which must be good."""
    with operation.page.expect_response(lambda response: not response.url.startswith("data:")) as answer:
        operation.get_by_role("button", name="Execute").click()
    assert 200 == answer.value.status
    expect(operation.locator(".live-responses-table .response .response-col_status")).to_contain_text("200")
    return operation.locator(".live-responses-table .response-col_description pre").first.inner_text()


def test_every_call_can_be_tried(opened: Open, stack: Stack) -> None:
    """Each operation, executed as its example stands there, has a good answer of the service below it."""
    found = operations(stack)
    assert {"calculate", "calculate_posted", "curve", "schedule", "status"} <= {name for _, name in found}
    with opened() as tab:
        tab.open("/docs")
        assert tab.text("#swagger-ui h2.title, #swagger-ui h1").startswith("French income tax")
        for tag, name in found:
            assert execute(expand(tab, tag, name))


def test_answer_is_that_of_the_service(opened: Open, stack: Stack) -> None:
    """What stands below a call is what the API answers to it."""
    query = "&".join(f"{name}={value}" for name, value in SAMPLE.items())
    collected = stack.get(f"/?{query}", stack.credentials).body["response"]["result"]["collected"]
    with opened() as tab:
        tab.open("/docs")
        assert f'"collected": {collected}' in execute(expand(tab, "calculation", "calculate"))


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
def test_accessible(opened: Open, stack: Stack, scheme: str) -> None:
    """axe-core finds nothing serious on the whole page: closed, with all operations open, and with answers."""
    with opened(color_scheme=scheme) as tab:
        tab.open("/docs")
        assert [] == tab.serious()
        for tag, name in operations(stack):
            operation = expand(tab, tag, name)
            if name in ("calculate", "live"):
                execute(operation)
        assert [] == tab.serious()
