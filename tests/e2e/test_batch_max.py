"""BATCH_MAX, lowered until a test can reach it: what API and nginx take at once, and who says so."""

import json
from collections.abc import Iterator

import pytest

from tests.support.pages import Page, load
from tests.support.stack import Stack
from tests.support.waiting import wait_until

MOST = 20
HOUSEHOLD = {"married": "yes", "children": 3, "salary": 200_000}
LARGEST = MOST << 10  # bytes of a body: 1 KiB for each household


@pytest.fixture(scope="module")
def small(stack: Stack) -> Iterator[Stack]:
    """The stack with small batches, and nginx's limit of a body left to follow them."""
    with stack.changed(BATCH_MAX=str(MOST)):
        yield stack


def posted(stack: Stack, households: int, length: int = 0) -> Page:
    """The answer to so many households, in a body of that length at least."""
    body = json.dumps([HOUSEHOLD] * households).ljust(length)
    return load(stack.http_port, "/", stack.credentials, body, Content_Type="application/json")


def test_the_most_households_are_calculated(small: Stack) -> None:
    """As many households as BATCH_MAX says are all calculated, in the largest body that they may have as well."""
    for page in (posted(small, MOST), posted(small, MOST, LARGEST)):
        assert 200 == page.status
        assert MOST == len([one["result"]["tax"] for one in page.json["response"]["results"]])


def test_one_household_more_is_refused_by_the_api(small: Stack) -> None:
    """One more is a 413 that names the limit."""
    page = posted(small, MOST + 1)
    assert (413, MOST) == (page.status, page.json["response"]["limit"])
    assert f"more than {MOST} households" in page.json["response"]["errors"][0]
    assert passed_on(small, page)


def test_one_byte_more_is_refused_by_nginx(small: Stack) -> None:
    """A body that is longer than nginx's limit, which follows BATCH_MAX, is a 413 that names the same limit."""
    page = posted(small, MOST, LARGEST + 1)
    assert (413, MOST) == (page.status, page.json["response"]["limit"])
    assert f"at most {MOST}k, and {MOST} households at once" in page.json["response"]["errors"][0]
    assert not passed_on(small, page)


def passed_on(stack: Stack, page: Page) -> bool:
    """Whether nginx has asked a replica."""
    own = page.headers["x-request-id"]
    (record,) = wait_until(lambda: [r for r in stack.records("nginx/access.log") if r["request_id"] == own])
    return bool(record["upstream"])


def test_the_description_says_the_limit(small: Stack) -> None:
    """The array of households has BATCH_MAX items at most in /openapi.json too."""
    description = load(small.http_port, "/openapi.json", small.credentials).json
    content = description["paths"]["/"]["post"]["requestBody"]["content"]["application/json"]
    assert [MOST] == [one["maxItems"] for one in content["schema"]["anyOf"] if "maxItems" in one]
