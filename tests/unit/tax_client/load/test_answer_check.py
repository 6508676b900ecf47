"""Tests of the comparison of an answer with the expected answer."""

import orjson
import pytest

from tax_client.load.answer_check import build_body, check_answer

RESULT = {"married": "yes", "children": 2, "salary": 55555, "tax": 2814, "rate": 0.14}
RIGHT = build_body(RESULT)


def answer(**changes: object) -> bytes:
    """Build the expected body with changed fields."""
    return build_body({**RESULT, **changes})


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (RIGHT, ("right", "")),
        (orjson.dumps(orjson.loads(RIGHT), option=orjson.OPT_INDENT_2), ("right", "")),
        (answer(tax=2814.0), ("right", "")),
        (answer(tax=1, rate=0.3), ("wrong", "tax: expected 2814, got 1; rate: expected 0.14, got 0.3")),
        (answer(tax=None), ("wrong", "tax: expected 2814, got null")),
        (answer(married=True), ("wrong", "married: expected yes, got true")),
        (answer(notes=[]), ("wrong", "notes: expected nothing, got []")),
        (b'{"response": {}}', ("wrong", f"answer: expected {orjson.dumps(RESULT).decode()[:80]}, got nothing")),
        (b"[]", ("wrong", f"answer: expected {RIGHT.decode()[:80]}..., got []")),
    ],
)
def test_an_answer_is_compared_field_for_field(body: bytes, expected: tuple[str, str]) -> None:
    """The explanation lists each field that is wrong or unexpected. Other spaces, or 1 instead of 1.0, are accepted."""
    assert expected == check_answer(200, body, RIGHT)


def test_true_is_not_one() -> None:
    """An answer with a boolean instead of a number is wrong, although Python considers True and 1 equal."""
    assert "wrong" == check_answer(200, answer(children=True), answer(children=1))[0]


def test_a_batch_is_compared_household_by_household() -> None:
    """The explanation contains the household's index. A household is wrong if its answer has errors or no result."""
    right = build_body([RESULT, RESULT])
    assert ("right", "") == check_answer(200, right, right)
    assert ("wrong", "[1].result.tax: expected 2814, got 3") == check_answer(
        200, build_body([RESULT, {**RESULT, "tax": 3}]), right
    )
    assert "wrong" == check_answer(200, build_body([RESULT]), right)[0]
    refused = b'{"response":{"results":[{"result":%s},{"errors":["x"]}]}}' % orjson.dumps(RESULT)
    assert "[1].errors: expected nothing" in check_answer(200, refused, right)[1]


def test_many_differences_are_truncated() -> None:
    """The explanation lists five differences, and the number of the remaining differences."""
    wrong = build_body([{**RESULT, "tax": n} for n in range(20)])
    assert "and 15 more" in check_answer(200, wrong, build_body([RESULT] * 20))[1]


@pytest.mark.parametrize(
    ("status", "body", "kind", "explanation"),
    [
        (500, b"oops", "status 500", "[oops]"),
        (200, b"<html>", "not JSON", "[<html>]"),
        (429, RIGHT, "status 429", "fewer"),
    ],
)
def test_an_answer_without_a_result_is_a_failure_of_its_kind(
    status: int, body: bytes, kind: str, explanation: str
) -> None:
    """An error status or a body that is not JSON is a failure with an explanation, not a wrong answer."""
    outcome, detail = check_answer(status, body, RIGHT)
    assert kind == outcome
    assert explanation in detail
