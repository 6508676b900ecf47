"""Tests of the response parser: results, and the errors about unusable answers."""

from dataclasses import asdict
from typing import Any

import orjson
import pytest

from tax_client.api.request_failures import Answer, ApiError
from tax_client.api.responses import parse_result, parse_results
from tax_client.taxpayers.reader import Taxpayer
from tests.unit.tax_client.fakes import TWO_CHILDREN, TWO_CHILDREN_TAX, build_answer


def test_a_result_is_read_field_for_field() -> None:
    """The parser returns the eight fields of a result and ignores unknown fields."""
    assert asdict(TWO_CHILDREN_TAX) == parse_result(build_answer(TWO_CHILDREN_TAX, later="more"), TWO_CHILDREN)


@pytest.mark.parametrize(
    ("status", "body", "kind", "message"),
    [
        (401, b'{"response": {"errors": ["wrong login"]}}', "status 401", "[wrong login]: check the login"),
        (400, b'{"response": {"errors": ["a", "b"]}}', "status 400", "[a; b]"),
        (502, b"<html>Bad Gateway</html>", "status 502", "[<html>Bad Gateway</html>]"),
        (500, b'{"response": {"errors": "one"}}', "status 500", "request's id"),
        (500, b'["errors"]', "status 500", '[["errors"]]'),
        (302, b"", "status 302", "[]"),
        (204, b"", "status 204", "[]"),
        (200, b"<html>", "not JSON", "[<html>]"),
        (200, b"\xff\xfe", "not JSON", "expected a JSON result"),
        (200, b"[" * 100_000, "not JSON", "expected a JSON result"),
        (200, b"[]", "wrong shape", 'expected {"response"'),
        (200, b"null", "wrong shape", 'expected {"response"'),
        (200, b'{"response": {"errors": []}}', "wrong shape", 'expected {"response"'),
        (200, b'{"response": {"result": {"married": "yes"}}}', "wrong shape", "'children'"),
    ],
)
def test_an_answer_without_a_result_is_an_error(status: int, body: bytes, kind: str, message: str) -> None:
    """The parser raises ApiError with a kind and a message for any answer without a result."""
    with pytest.raises(ApiError) as caught:
        parse_result(Answer(status, body), TWO_CHILDREN)
    assert kind == caught.value.kind
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("married", True),
        ("children", "2"),
        ("salary", 55555.0),
        ("tax", True),
        ("tax", None),
        ("surcharge", 10**30),
        ("discount", []),
        ("rate", "0.14"),
        ("rate", False),
        ("rate", None),
    ],
)
def test_a_field_of_another_type_is_a_wrong_shape(name: str, value: Any) -> None:
    """The parser rejects a field of a wrong type with a message that contains the field's name."""
    body = {"response": {"result": {**orjson.loads(build_answer(TWO_CHILDREN_TAX).body)["response"]["result"]}}}
    body["response"]["result"][name] = "BIG" if value == 10**30 else value
    answer = Answer(200, orjson.dumps(body).replace(b'"BIG"', b"1" + b"0" * 30))
    with pytest.raises(ApiError) as caught:
        parse_result(answer, TWO_CHILDREN)
    assert "wrong shape" == caught.value.kind
    assert f"[{name}]" in str(caught.value)


def test_an_error_escapes_and_truncates_the_body() -> None:
    """The message of an ApiError truncates the body and escapes its control characters."""
    with pytest.raises(ApiError) as caught:
        parse_result(Answer(200, b"\x1b[2J\n" * 10_000), TWO_CHILDREN)
    text = str(caught.value)
    assert text.isprintable()
    assert len(text) < 2000


@pytest.mark.parametrize(
    "other", [Taxpayer(1, "no", 2, 55555), Taxpayer(1, "yes", 3, 55555), Taxpayer(1, "yes", 2, 55556)]
)
def test_the_result_of_another_household_is_an_error(other: Taxpayer) -> None:
    """The parser rejects a result that does not echo the requested household."""
    answer = build_answer(TWO_CHILDREN_TAX, later="more")
    assert asdict(TWO_CHILDREN_TAX) == parse_result(answer, TWO_CHILDREN)
    with pytest.raises(ApiError, match="wrong echo"):
        parse_result(answer, other)


DATED = Taxpayer(1, "yes", 2, 50000, 2024, "no", 0)
DATED_RESULT = {
    "income_year": 2024,
    "married": "yes",
    "single_parent": "no",
    "children": 2,
    "salary": 50000,
    "spouse_salary": 0,
    "taxable_income": 45000,
    "shares": 3.0,
    "tax": 209,
    "surcharge": 0,
    "rate": 0.11,
    "discount": 947,
    "reduction": 0,
    "cehr": 0,
    "collected": 209,
}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"income_year": 2023},
            "wrong echo: expected the result of (income_year, married, single_parent, children, salary, spouse_salary)",
        ),
        ({"spouse_salary": 7}, "wrong echo"),
        ({"single_parent": "yes"}, "wrong echo"),
        ({"collected": 2.0}, "[collected] is not of type int"),
        ({"shares": "3"}, "[shares] is not of type float or int"),
    ],
)
def test_a_result_of_a_year_is_checked_field_by_field(changes: dict[str, Any], message: str) -> None:
    """A result under the law of a year has fifteen fields and must echo the requested household and year."""
    body = {"response": {"result": DATED_RESULT}}
    assert DATED_RESULT == parse_result(Answer(200, orjson.dumps(body)), DATED)
    body["response"]["result"] = DATED_RESULT | changes
    with pytest.raises(ApiError) as caught:
        parse_result(Answer(200, orjson.dumps(body)), DATED)
    assert message in str(caught.value)


def test_each_taxpayer_of_a_batch_has_its_own_result() -> None:
    """The parser returns a result or an error for each taxpayer of a batch, and rejects another taxpayer's result."""
    good = {"result": asdict(TWO_CHILDREN_TAX)}
    answer = Answer(200, orjson.dumps({"response": {"results": [good, {"errors": ["salary: no"]}, good, {}]}}))
    other = Taxpayer(3, "no", 0, 7)
    result, refused, echo, nothing = parse_results(answer, [TWO_CHILDREN, TWO_CHILDREN, other, TWO_CHILDREN])
    assert asdict(TWO_CHILDREN_TAX) == result
    assert str(refused).startswith("refused: expected a result, but the server reported [salary: no]")
    assert str(echo).startswith("wrong echo")
    assert str(nothing).startswith("wrong shape")


@pytest.mark.parametrize("body", [b"[]", b'{"response": {"results": []}}', b'{"response": []}', b"<html>"])
def test_an_answer_about_other_taxpayers_is_an_error(body: bytes) -> None:
    """The parser rejects an answer whose number of results differs from the number of taxpayers."""
    with pytest.raises(ApiError, match="wrong shape|not JSON"):
        parse_results(Answer(200, body), [TWO_CHILDREN])
