"""Builders of JSON responses. An error response contains a list of errors and the request id."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from flask import Response, g

from income_tax.households.validation import ParameterError
from income_tax.tax.schedule_parser import Schedules

from .request_id import get_request_id

JSON, CSV = "application/json", "text/csv"
SCHEDULES_HEADER = "X-Schedules-Version"


def build_response(content: Mapping[str, Any], status: int = 200) -> Response:
    """Build the response `{"response": content}`."""
    return Response(orjson.dumps({"response": content}), status, content_type=JSON)


def build_errors(errors: Sequence[str], request_id: str, **more: Any) -> dict[str, Any]:
    """Build the content of an error response. `more` contains additional fields."""
    return {"errors": list(errors), **more, "request_id": request_id}


def build_error_response(status: int, errors: Sequence[str], **more: Any) -> Response:
    """Build an error response that contains the id of the current request. `more` contains additional fields."""
    return build_response(build_errors(errors, get_request_id(), **more), status)


def build_bad_request(error: ParameterError) -> Response:
    """Build the response with status 400 for invalid parameters."""
    return build_error_response(400, error.errors, expected=error.expected)


def set_schedules_version(response: Response, schedules: Schedules) -> Response:
    """Set the header X-Schedules-Version to the version of the schedules. Store the version for the request log."""
    g.schedules = response.headers[SCHEDULES_HEADER] = schedules.version
    return response
