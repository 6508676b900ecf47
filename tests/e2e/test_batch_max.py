"""BATCH_MAX, lowered until a test can reach it: what API and nginx take at once, and who says so."""

import json

import pytest

from tests.support.pages import Page, load
from tests.support.profiles import PROFILES
from tests.support.stack import Stack
from tests.support.waiting import wait_until

pytestmark = pytest.mark.profile("small")
MOST = int(PROFILES["small"]["BATCH_MAX"])
HOUSEHOLD = {"married": "yes", "children": 3, "salary": 200_000}
LARGEST = MOST << 10  # bytes of a body: 1 KiB for each household


def post_households(stack: Stack, households: int, length: int = 0) -> Page:
    """The answer to so many households, in a body of that length at least."""
    body = json.dumps([HOUSEHOLD] * households).ljust(length)
    return load(stack.http_port, "/", stack.credentials, body, Content_Type="application/json")


def test_the_most_households_are_calculated(stack: Stack) -> None:
    """As many households as BATCH_MAX says are all calculated, in the largest body that they may have as well."""
    for page in (post_households(stack, MOST), post_households(stack, MOST, LARGEST)):
        assert 200 == page.status
        assert MOST == len([one["result"]["tax"] for one in page.json["response"]["results"]])


def test_one_household_more_is_refused_by_the_api(stack: Stack) -> None:
    """One more is a 413 that names the limit."""
    page = post_households(stack, MOST + 1)
    assert (413, MOST) == (page.status, page.json["response"]["limit"])
    assert f"more than {MOST} households" in page.json["response"]["errors"][0]
    assert passed_on(stack, page)


def test_one_byte_more_is_refused_by_nginx(stack: Stack) -> None:
    """A body that is longer than nginx's limit, which follows BATCH_MAX, is a 413 that names the same limit."""
    page = post_households(stack, MOST, LARGEST + 1)
    assert (413, MOST) == (page.status, page.json["response"]["limit"])
    assert f"at most {MOST}k, and {MOST} households at once" in page.json["response"]["errors"][0]
    assert not passed_on(stack, page)


def passed_on(stack: Stack, page: Page) -> bool:
    """Whether nginx has asked a replica."""
    own = page.headers["x-request-id"]
    (record,) = wait_until(lambda: stack.records("nginx/access.log", holding=own))
    return bool(record["upstream"])


def test_the_description_says_the_limit(stack: Stack) -> None:
    """The array of households has BATCH_MAX items at most in /openapi.json too."""
    description = load(stack.http_port, "/openapi.json", stack.credentials).json
    content = description["paths"]["/"]["post"]["requestBody"]["content"]["application/json"]
    assert [MOST] == [one["maxItems"] for one in content["schema"]["anyOf"] if "maxItems" in one]
