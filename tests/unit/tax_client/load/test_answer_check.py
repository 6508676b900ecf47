"""The check of an answer against the right one."""

import orjson
import pytest

from tax_client.load.answer_check import build_body, check_answer

RESULT = {"married": "yes", "children": 2, "salary": 55555, "tax": 2814, "rate": 0.14}
RIGHT = build_body(RESULT)


def answer(**changes: object) -> bytes:
    """The right body, some fields changed."""
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
    """Each differing field is named, including additional ones; spaces and 1 or 1.0 make no difference."""
    assert expected == check_answer(200, body, RIGHT)


def test_true_is_not_one() -> None:
    """A boolean in place of a number is wrong, although Python compares them as equal."""
    assert "wrong" == check_answer(200, answer(children=True), answer(children=1))[0]


def test_a_batch_is_compared_household_by_household() -> None:
    """The difference names the index of the household; an error in its place or a missing one counts too."""
    right = build_body([RESULT, RESULT])
    assert ("right", "") == check_answer(200, right, right)
    assert ("wrong", "[1].result.tax: expected 2814, got 3") == check_answer(
        200, build_body([RESULT, {**RESULT, "tax": 3}]), right
    )
    assert "wrong" == check_answer(200, build_body([RESULT]), right)[0]
    refused = b'{"response":{"results":[{"result":%s},{"errors":["x"]}]}}' % orjson.dumps(RESULT)
    assert "[1].errors: expected nothing" in check_answer(200, refused, right)[1]


def test_many_differences_are_truncated() -> None:
    """Five differences are listed, and the number of the others."""
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
    """Another status or a body that is no JSON is a failure rather than a wrong answer, with a remedy."""
    outcome, detail = check_answer(status, body, RIGHT)
    assert kind == outcome
    assert explanation in detail
