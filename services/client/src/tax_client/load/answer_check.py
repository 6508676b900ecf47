"""Field-by-field comparison of answers with the expected answers. Reports list the wrong answers."""

from dataclasses import dataclass
from typing import Any

import orjson

from tax_client.api.request_failures import ADVICE, Answer, explain_failure, quote_body
from tax_common.text_formatting import truncate

RIGHT, WRONG = "right", "wrong"
DIFFERENCES_SHOWN = 5  # maximum number of differences in the explanation of a wrong answer
VALUE_SHOWN = 80  # maximum length of a value in a difference, in characters
WRONG_KEPT = 100  # maximum number of wrong answers that are kept for the reports
MISSING = object()
ENVELOPE = ("response", "result", "results")


@dataclass(frozen=True, slots=True, order=True)
class WrongAnswer:
    """A wrong answer, its difference from the expected answer, and the number, id and query of its request."""

    number: int
    request_id: str
    query: str
    difference: str


def build_body(expected: Any) -> bytes:
    """Build a response body from the expected result of one household, or from a list of expected results."""
    if isinstance(expected, list):
        return orjson.dumps({"response": {"results": [{"result": one} for one in expected]}})
    return orjson.dumps({"response": {"result": expected}})


def check_answer(status: int, body: bytes, right: bytes) -> tuple[str, str]:
    """Compare an answer with `right`, a correct body. Return the outcome and its explanation.

    The outcome is RIGHT with an empty explanation, WRONG, or the kind of failure. A right answer can contain the values
    of `right` in another serialization.
    """
    answer = Answer(status, body)
    if status != 200:
        return f"status {status}", explain_failure(answer)
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError:
        return "not JSON", f"expected a JSON result, got [{quote_body(answer)}]: {ADVICE[404]}"
    found = find_differences(orjson.loads(right), content)
    more = [f"and {len(found) - DIFFERENCES_SHOWN} more"] if len(found) > DIFFERENCES_SHOWN else []
    return (WRONG, "; ".join([*found[:DIFFERENCES_SHOWN], *more])) if found else (RIGHT, "")


def find_differences(expected: Any, actual: Any, path: str = "") -> list[str]:
    """List the differences between two JSON values in the form `path: expected x, got y`. 1 and 1.0 are equal."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        names = [*expected, *(name for name in actual if name not in expected)]
        pairs = [(join_path(path, n), expected.get(n, MISSING), actual.get(n, MISSING)) for n in names]
        return [found for place, one, other in pairs for found in find_differences(one, other, place)]
    if isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        rows = enumerate(zip(expected, actual, strict=True))
        return [found for n, (one, other) in rows for found in find_differences(one, other, f"{path}[{n}]")]
    same_kind = isinstance(expected, bool) == isinstance(actual, bool)  # JSON's true is not 1, but True == 1 in Python
    if same_kind and expected == actual:
        return []
    return [f"{path or 'answer'}: expected {format_value(expected)}, got {format_value(actual)}"]


def join_path(path: str, name: str) -> str:
    """Append a member's name to a path. The path omits the outer names in ENVELOPE, because all answers have them."""
    if not path:
        return "" if name in ENVELOPE else name
    return f"{path}.{name}"


def format_value(value: Any) -> str:
    """Format a JSON value for the message about a difference."""
    if value is MISSING:
        return "nothing"
    return truncate(value if isinstance(value, str) else orjson.dumps(value).decode(), VALUE_SHOWN, "...")
