"""Whether an answer is the expected one, field by field; the expectation is a body known to be right."""

from typing import Any

import orjson

from tax_client.api.responses import ADVICE, Answer, explain_failure, quote_body

RIGHT, WRONG = "right", "wrong"
SHOWN = 5  # differences of one answer that are told
ABSENT = object()
ENVELOPE = ("response", "result", "results")


def body_of(expected: Any) -> bytes:
    """The body that carries the result of a household, or an array of results of many."""
    if isinstance(expected, list):
        return orjson.dumps({"response": {"results": [{"result": one} for one in expected]}})
    return orjson.dumps({"response": {"result": expected}})


def judge(status: int, body: bytes, right: bytes) -> tuple[str, str]:
    """The outcome of an answer (right, wrong, or the kind of its failure), and what there is to say about it.

    `right` is a body known to be right; the answer's may be written in another way.
    """
    answer = Answer(status, body)
    if status != 200:
        return f"status {status}", explain_failure(answer)
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError:
        return "not JSON", f"expected a JSON result, got [{quote_body(answer)}]: {ADVICE[404]}"
    found = differences(orjson.loads(right), content)
    more = [f"and {len(found) - SHOWN} more"] if len(found) > SHOWN else []
    return (WRONG, "; ".join([*found[:SHOWN], *more])) if found else (RIGHT, "")


def differences(expected: Any, actual: Any, where: str = "") -> list[str]:
    """Where two values of JSON differ, as `field: expected x, got y`; numbers are equal as numbers."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        names = [*expected, *(name for name in actual if name not in expected)]
        triples = [(inside(where, name), expected.get(name, ABSENT), actual.get(name, ABSENT)) for name in names]
        return [found for place, one, other in triples for found in differences(one, other, place)]
    if isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        rows = enumerate(zip(expected, actual, strict=True))
        return [found for n, (one, other) in rows for found in differences(one, other, f"{where}[{n}]")]
    same_kind = isinstance(expected, bool) == isinstance(actual, bool)  # in Python True == 1
    if same_kind and expected == actual:
        return []
    return [f"{where or 'answer'}: expected {said(expected)}, got {said(actual)}"]


def inside(where: str, name: str) -> str:
    """The path of a member; what every answer begins with is left out."""
    if not where:
        return "" if name in ENVELOPE else name
    return f"{where}.{name}"


def said(value: Any) -> str:
    """A value as a difference tells it."""
    if value is ABSENT:
        return "nothing"
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    return text if len(text) <= 80 else text[:80] + "..."
