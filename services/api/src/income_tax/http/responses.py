"""The two shapes of an answer: a result, or errors with the id of the request."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from flask import Response

JSON, CSV = "application/json", "text/csv"


def answer(content: Mapping[str, Any], status: int = 200) -> Response:
    """`{"response": content}`."""
    return raw_answer(orjson.dumps({"response": content}), JSON, status)


def raw_answer(body: bytes, content_type: str, status: int = 200) -> Response:
    """An answer whose body is made already."""
    return Response(body, status, content_type=content_type)


def errors_body(errors: Sequence[str], request_id: str, **more: Any) -> dict[str, Any]:
    """The content of an answer that lists errors."""
    return {"errors": list(errors), **more, "request_id": request_id}
