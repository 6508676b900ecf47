"""The comparison of an answer with the right one."""

import orjson
import pytest

from tax_client.load.answer_check import body_of, judge

RESULT = {"married": "yes", "children": 2, "salary": 55555, "tax": 2814, "rate": 0.14}
RIGHT = body_of(RESULT)


def answer(**changes: object) -> bytes:
    """The right body, some fields changed."""
    return body_of({**RESULT, **changes})


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
    """Every field that is not the expected one is named, also one too many; spaces and 1 or 1.0 make no difference."""
    assert expected == judge(200, body, RIGHT)


def test_true_is_not_one() -> None:
    """A truth value where a number is expected is wrong, though Python takes them for equal."""
    assert "wrong" == judge(200, answer(children=True), answer(children=1))[0]


def test_a_batch_is_compared_household_by_household() -> None:
    """The difference names the place of the household; an error in its place is one, and so is one too few."""
    right = body_of([RESULT, RESULT])
    assert ("right", "") == judge(200, right, right)
    assert ("wrong", "[1].result.tax: expected 2814, got 3") == judge(
        200, body_of([RESULT, {**RESULT, "tax": 3}]), right
    )
    assert "wrong" == judge(200, body_of([RESULT]), right)[0]
    refused = b'{"response":{"results":[{"result":%s},{"errors":["x"]}]}}' % orjson.dumps(RESULT)
    assert "[1].errors: expected nothing" in judge(200, refused, right)[1]


def test_many_differences_are_cut() -> None:
    """Five differences are told, and how many more there are."""
    wrong = body_of([{**RESULT, "tax": n} for n in range(20)])
    assert "and 15 more" in judge(200, wrong, body_of([RESULT] * 20))[1]


@pytest.mark.parametrize(
    ("status", "body", "kind", "said"),
    [
        (500, b"oops", "status 500", "[oops]"),
        (200, b"<html>", "not JSON", "[<html>]"),
        (429, RIGHT, "status 429", "fewer"),
    ],
)
def test_an_answer_that_is_no_result_is_a_failure_of_its_kind(status: int, body: bytes, kind: str, said: str) -> None:
    """Another status, or what is no JSON, is not a wrong answer but a failure, which says what to do."""
    outcome, detail = judge(status, body, RIGHT)
    assert kind == outcome
    assert said in detail
