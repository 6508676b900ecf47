"""What the API answers: its result, or why there is none."""

from dataclasses import dataclass
from typing import Any

import orjson

from tax_client.taxpayers.reader import cut
from tax_common.text import escape_controls

BODY_SHOWN = 200  # characters of an unexpected body that an error message keeps
ADVICE = {
    400: "see the limits of each field in the API's documentation",
    401: "check the login and password of the credentials file",
    404: "check the address given by --url or TAX_URL",
    413: "send fewer taxpayers at once with --batch",
    429: "send fewer requests at once with --threads or --max-threads",
    500: "find the request's id in the server's log",
}


class ApiError(Exception):
    """A request without a usable result; `kind` groups alike ones, the text says what was expected and what to do."""

    def __init__(self, kind: str, message: str, retry_after: float = 0) -> None:
        super().__init__(f"{kind}: {message}")
        self.kind = kind
        self.retry_after = retry_after  # seconds that the server asks to wait


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer as it came."""

    status: int
    body: bytes
    retry_after: float = 0  # seconds that the server asks to wait


def content_of(answer: Answer) -> Any:
    """What an answer 200 holds under "response". Raises ApiError."""
    if answer.status != 200:
        raise ApiError(f"status {answer.status}", explanation(answer), answer.retry_after)
    try:
        return orjson.loads(answer.body)["response"]
    except orjson.JSONDecodeError:
        raise ApiError("not JSON", f"expected a JSON result, got [{shown(answer)}]: {ADVICE[404]}") from None
    except (KeyError, TypeError):
        wanted = 'expected {"response": {...}}'
        raise ApiError("wrong shape", f"{wanted}, got [{shown(answer)}]: {ADVICE[404]}") from None


def explanation(answer: Answer) -> str:
    """The API's own errors when the body has them, else the beginning of the body; then what to do."""
    try:
        errors = orjson.loads(answer.body)["response"]["errors"]
        said = "; ".join(str(error) for error in errors) if isinstance(errors, list) else shown(answer)
    except (orjson.JSONDecodeError, KeyError, TypeError):
        said = shown(answer)
    return f"expected a result, the server said [{said}]: {ADVICE.get(answer.status, 'see the log of the server')}"


def shown(answer: Answer) -> str:
    """The beginning of a body, fit for a message."""
    return escape_controls(cut(answer.body.decode(errors="replace"), BODY_SHOWN))
