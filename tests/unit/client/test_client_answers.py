"""What the client reads in an answer, and what it says of one that it cannot use."""

from dataclasses import asdict
from typing import Any

import orjson
import pytest

from tax_client.api.responses import Answer, ApiError
from tax_client.api.results import read_fields, read_many
from tax_client.taxpayers.reader import Taxpayer
from tests.unit.client.fakes import TWO_CHILDREN, TWO_CHILDREN_TAX, answer_of


def test_a_result_is_read_field_for_field() -> None:
    """An answer 200 gives the eight fields of its result, and unknown fields beside them do no harm."""
    assert asdict(TWO_CHILDREN_TAX) == read_fields(answer_of(TWO_CHILDREN_TAX, later="more"), TWO_CHILDREN)


@pytest.mark.parametrize(
    ("status", "body", "kind", "said"),
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
def test_an_answer_without_a_result_says_what_was_expected(status: int, body: bytes, kind: str, said: str) -> None:
    """Any other answer is an ApiError whose kind groups alike ones and whose text quotes what the server said."""
    with pytest.raises(ApiError) as caught:
        read_fields(Answer(status, body), TWO_CHILDREN)
    assert kind == caught.value.kind
    assert said in str(caught.value)


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
    """A result whose field has not its type is refused, and the message names the field."""
    body = {"response": {"result": {**orjson.loads(answer_of(TWO_CHILDREN_TAX).body)["response"]["result"]}}}
    body["response"]["result"][name] = "BIG" if value == 10**30 else value
    answer = Answer(200, orjson.dumps(body).replace(b'"BIG"', b"1" + b"0" * 30))
    with pytest.raises(ApiError) as caught:
        read_fields(answer, TWO_CHILDREN)
    assert "wrong shape" == caught.value.kind
    assert f"[{name}]" in str(caught.value)


def test_the_text_of_an_error_drives_no_terminal_and_stays_short() -> None:
    """A hostile body is shown cut and without its control characters."""
    with pytest.raises(ApiError) as caught:
        read_fields(Answer(200, b"\x1b[2J\n" * 10_000), TWO_CHILDREN)
    text = str(caught.value)
    assert text.isprintable()
    assert len(text) < 2000


@pytest.mark.parametrize(
    "other", [Taxpayer(1, "no", 2, 55555), Taxpayer(1, "yes", 3, 55555), Taxpayer(1, "yes", 2, 55556)]
)
def test_the_result_of_another_household_is_an_error(other: Taxpayer) -> None:
    """A result that does not echo the household that was sent is refused."""
    answer = answer_of(TWO_CHILDREN_TAX, later="more")
    assert asdict(TWO_CHILDREN_TAX) == read_fields(answer, TWO_CHILDREN)
    with pytest.raises(ApiError, match="wrong echo"):
        read_fields(answer, other)


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
    ("changes", "said"),
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
def test_a_result_of_a_year_is_checked_field_by_field(changes: dict[str, Any], said: str) -> None:
    """The result of the law of a year has its fifteen fields, of the household and the year that were sent."""
    body = {"response": {"result": DATED_RESULT}}
    assert DATED_RESULT == read_fields(Answer(200, orjson.dumps(body)), DATED)
    body["response"]["result"] = DATED_RESULT | changes
    with pytest.raises(ApiError) as caught:
        read_fields(Answer(200, orjson.dumps(body)), DATED)
    assert said in str(caught.value)


def test_many_results_are_each_taxpayer_s_own() -> None:
    """Of a batch each taxpayer has its result or its own errors; the result of another one is refused."""
    good = {"result": asdict(TWO_CHILDREN_TAX)}
    answer = Answer(200, orjson.dumps({"response": {"results": [good, {"errors": ["salary: no"]}, good, {}]}}))
    other = Taxpayer(3, "no", 0, 7)
    result, refused, echo, nothing = read_many(answer, [TWO_CHILDREN, TWO_CHILDREN, other, TWO_CHILDREN])
    assert asdict(TWO_CHILDREN_TAX) == result
    assert str(refused).startswith("refused: expected a result, the server said [salary: no]")
    assert str(echo).startswith("wrong echo")
    assert str(nothing).startswith("wrong shape")


@pytest.mark.parametrize("body", [b"[]", b'{"response": {"results": []}}', b'{"response": []}', b"<html>"])
def test_an_answer_about_other_taxpayers_is_none(body: bytes) -> None:
    """An answer with another number of results says nothing about anybody."""
    with pytest.raises(ApiError, match="wrong shape|not JSON"):
        read_many(Answer(200, body), [TWO_CHILDREN])
