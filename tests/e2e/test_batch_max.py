"""Tests of the limits that the API and nginx enforce if BATCH_MAX is lowered."""

import base64
import json

import pytest

from tests.support.pages import Page, load
from tests.support.profiles import PROFILES
from tests.support.stack import Stack
from tests.support.waiting import wait_until

pytestmark = pytest.mark.profile("small")
MOST = int(PROFILES["small"]["BATCH_MAX"])
HOUSEHOLD = {"married": "yes", "children": 3, "salary": 200_000}
LARGEST = MOST << 10  # maximum length of a body in bytes: 1 KiB per household


def post_households(stack: Stack, households: int, length: int = 0) -> Page:
    """Post a batch of `households` equal households in a body of at least `length` bytes."""
    body = json.dumps([HOUSEHOLD] * households).ljust(length)
    return load(stack.http_port, "/", stack.credentials, body, Content_Type="application/json")


def test_batch_of_maximum_size_is_calculated(stack: Stack) -> None:
    """The API calculates BATCH_MAX households, even in a body of the maximum length."""
    for page in (post_households(stack, MOST), post_households(stack, MOST, LARGEST)):
        assert 200 == page.status
        assert MOST == len([one["result"]["tax"] for one in page.json["response"]["results"]])


def test_one_household_more_is_rejected_by_the_api(stack: Stack) -> None:
    """The API rejects more than BATCH_MAX households with a 413 that contains the limit."""
    page = post_households(stack, MOST + 1)
    assert (413, MOST) == (page.status, page.json["response"]["limit"])
    assert f"more than {MOST} households" in page.json["response"]["errors"][0]
    assert passed_on(stack, page)


def test_one_byte_more_is_rejected_by_nginx(stack: Stack) -> None:
    """Nginx rejects a body longer than BATCH_MAX KiB with a 413 that contains the limits on bytes and households."""
    page = post_households(stack, MOST, LARGEST + 1)
    assert (413, MOST) == (page.status, page.json["response"]["limit"])
    assert f"at most {MOST}k, and at most {MOST} households per request" in page.json["response"]["errors"][0]
    assert not passed_on(stack, page)


def test_a_body_of_unknown_length_has_the_same_limit(stack: Stack) -> None:
    """Nginx rejects a chunked body longer than BATCH_MAX KiB like a body whose length is declared."""
    head = f"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: {authorize(stack)}\r\n"
    rows = b"married,children,salary\nno,0," + b" " * LARGEST + b"90000"
    body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(rows), rows)
    answer = stack.raw(f"{head}Content-Type: text/csv\r\nTransfer-Encoding: chunked\r\n\r\n".encode() + body)
    assert (413, post_households(stack, MOST, LARGEST + 1).json["response"]["errors"]) == (answer.status, answer.errors)


def authorize(stack: Stack) -> str:
    """Return the Authorization header value of the client's credentials."""
    return "Basic " + base64.b64encode(stack.credentials.encode()).decode()


def passed_on(stack: Stack, page: Page) -> bool:
    """Return whether nginx forwarded the request to a replica."""
    own = page.headers["x-request-id"]
    (record,) = wait_until(lambda: stack.records("nginx/access.log", holding=own))
    return bool(record["upstream"])


def test_the_description_contains_the_limit(stack: Stack) -> None:
    """/openapi.json limits the array of households to BATCH_MAX items."""
    description = load(stack.http_port, "/openapi.json", stack.credentials).json
    content = description["paths"]["/"]["post"]["requestBody"]["content"]["application/json"]
    assert [MOST] == [one["maxItems"] for one in content["schema"]["anyOf"] if "maxItems" in one]
