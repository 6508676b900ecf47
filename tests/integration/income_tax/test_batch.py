"""Tests of `POST /` over HTTP: batches, content negotiation and invalid bodies."""

import json

import pytest

from tests.integration.income_tax.law_requests import CSV, HOUSEHOLD, JSON, QUERY, assert_json_error
from tests.support.service import Answer, Service, request


def test_valid_and_invalid_households_in_one_batch(service: Service) -> None:
    """The response lists the households of a batch in order: a result if a household is valid, and otherwise errors."""
    batch = [HOUSEHOLD, HOUSEHOLD | {"salary": -1, "x": 1}, 7, {"married": "no", "children": 0, "salary": 1}]
    answer = service.post(json.dumps(batch), JSON)
    assert 200 == answer.status
    first, second, third, fourth = answer.body["response"]["results"]
    assert 2024 == first["result"]["income_year"]
    assert [
        "household [1]: parameter [salary] has an invalid value: [-1]",
        "household [1]: unknown parameter [x]",
    ] == second["errors"]
    assert ["household [2]: not a JSON object"] == third["errors"]
    assert ["married", "children", "salary"] == list(fourth["result"])[:3]


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        ("[]", JSON, 400),
        ("", JSON, 400),
        ("[" * 50_000, JSON, 400),
        ('{"salary": 1, "salary": 2}', JSON, 400),
        (json.dumps(HOUSEHOLD | {"year": 2030}), JSON, 400),
        (json.dumps(HOUSEHOLD), "text/plain", 415),
        (json.dumps(HOUSEHOLD), "", 415),
        ("married=yes&children=2&salary=1", "application/x-www-form-urlencoded", 415),
        ("salary\n1\n", CSV, 400),
        (json.dumps([HOUSEHOLD] * 10_001), JSON, 413),
        ("married,children,salary\n" + "yes,2,3\n" * 10_001, CSV, 413),
        ("x" * (10_000 * 1024 + 1), JSON, 413),
    ],
    ids=lambda value: str(value)[:20],
)
def test_invalid_bodies(service: Service, body: str, content_type: str, status: int) -> None:
    """The service rejects each kind of invalid body with the expected status and JSON errors."""
    answer = service.post(body, content_type)
    assert_json_error(answer, status)
    if status == 413:
        assert 10_000 == answer.body["response"]["limit"]


def test_largest_batch(service: Service) -> None:
    """The service accepts a batch of the maximum size."""
    answer = service.post(json.dumps([HOUSEHOLD] * 10_000), JSON)
    assert 200 == answer.status
    assert 10_000 == len(answer.body["response"]["results"])


@pytest.mark.parametrize(
    "chunks",
    [b"ZZ\r\n{}\r\n0\r\n\r\n", b"2\r\n{}xx0\r\n\r\n", b"2\r\n{}\r\n0\r\nbad trailer\r\n\r\n", b"40\r\n{}"],
    ids=["invalid chunk size", "missing chunk end", "invalid trailer", "truncated chunk"],
)
def test_malformed_chunked_body(service: Service, chunks: bytes) -> None:
    """The service answers a malformed chunked body with a 400, and sends no alert."""
    head = f"POST / HTTP/1.1\r\nHost: x\r\nAuthorization: {service.authorization}\r\nContent-Type: {JSON}\r\n"
    answer = service.raw(f"{head}Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n".encode() + chunks, end=True)
    assert_json_error(answer, 400)
    assert answer.errors[0].startswith("the body is malformed")
    assert service.mailbox.empty()


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("text/csv; charset=utf-8", "text/csv"),
        ("text/csv;header=present, application/json;q=0.5", "text/csv"),
        ("application/json, text/csv;q=0.9", "application/json"),
        ("*/*", "application/json"),
        ("image/png", "application/json"),
    ],
)
def test_content_negotiation(service: Service, accept: str, kind: str) -> None:
    """The service returns the media type that Accept prefers, ignores parameters such as charset, and sends `Vary`."""
    status, headers, _ = service.post_raw(json.dumps([HOUSEHOLD]), JSON, Accept=accept)
    assert (200, kind, "Accept") == (status, headers["content-type"].partition(";")[0], headers["vary"])


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        ({"Content_Encoding": "gzip"}, "the body is encoded as [gzip]"),
        ({"Content_Type": "application/json; charset=iso-8859-1"}, "the body's character encoding is [iso-8859-1]"),
    ],
)
def test_unsupported_encodings(service: Service, headers: dict[str, str], said: str) -> None:
    """The service rejects a compressed body or an unsupported character set and names the encoding."""
    sent = {"Content_Type": JSON} | headers
    _, _, body = request(service.port, "/", service.credentials, "POST", json.dumps(HOUSEHOLD).encode(), **sent)
    (error,) = json.loads(body)["response"]["errors"]
    assert error.startswith(said)


def test_truncated_body(service: Service) -> None:
    """The service rejects a body shorter than its Content-Length."""
    body = json.dumps(HOUSEHOLD).encode()
    head = f"POST / HTTP/1.1\r\nHost: x\r\nAuthorization: {service.authorization}\r\nContent-Type: {JSON}\r\n"
    answer = service.raw(
        f"{head}Content-Length: {len(body) + 9}\r\nConnection: close\r\n\r\n".encode() + body, end=True
    )
    assert_json_error(answer, 400)


def test_parameters_in_two_places(service: Service) -> None:
    """The service rejects a POST that also has parameters in its URL."""
    assert_json_error(service.post(json.dumps(HOUSEHOLD), JSON, target=QUERY), 400)


def test_post_requires_credentials(service: Service) -> None:
    """The service rejects a POST without credentials before it parses the body."""
    refused: Answer = service.post("[" * 100_000, JSON, credentials=None)
    assert_json_error(refused, 401)
