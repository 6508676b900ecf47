"""The answer to the body of `POST /`: one household, or many."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from flask import Request, Response
from werkzeug.datastructures import Headers, MIMEAccept
from werkzeug.http import parse_options_header

from income_tax.households.parameters import shown
from income_tax.households.validation import ParameterError
from income_tax.http.middleware.request_log import request_id
from income_tax.http.requests.body import BodyReader, TooMany, WrongType
from income_tax.http.responses import CSV, JSON, answer, errors_body, raw_answer
from income_tax.tax.schedule_data import Schedules

from .single_household import as_response, of_version, one, refusal

if TYPE_CHECKING:
    from income_tax.households.batch_validation import Many


def answer_body(
    request: Request, body: bytes, schedules: Schedules, batch_max: int, pause: Callable[[], object]
) -> Response:
    """The answer to a request that has this body; `pause` comes before the calculation."""
    try:
        check_whole(len(body), request.content_length)
        check_no_query(request.environ.get("QUERY_STRING", ""))
        check_coding(request.headers)
        read = BodyReader(batch_max, schedules.years).read(request.mimetype, body)
    except ParameterError as error:
        return refusal(error)
    except TooMany:
        sentence = f"the body has more than {batch_max} households: send them in several requests"
        return answer(errors_body([sentence], request_id(), limit=batch_max), 413)
    except WrongType as error:
        return answer(errors_body([str(error)], request_id(), expected=[JSON, CSV]), 415)
    pause()
    if isinstance(read, dict):
        return as_response(one(read, schedules), schedules)
    return several(read, schedules, request.accept_mimetypes)


def several(many: "Many", schedules: Schedules, accepted: MIMEAccept) -> Response:
    """The answer for many households, in the form that the request prefers."""
    from income_tax.households.batch_serialization import as_csv, as_json  # noqa: PLC0415 - numpy is imported at the first batch

    if prefers_csv(accepted):
        response = raw_answer(as_csv(many, schedules), f"{CSV}; charset=utf-8")
    else:
        response = raw_answer(as_json(many, schedules), JSON)
    response.vary.add("Accept")
    return of_version(response, schedules)


def prefers_csv(accepted: MIMEAccept) -> bool:
    """Whether an Accept header (RFC 9110, 12.5.1) would rather have CSV, whatever parameters its types have."""
    kinds = MIMEAccept([(value.partition(";")[0].strip(), quality) for value, quality in accepted])
    return kinds.best_match([JSON, CSV], JSON) == CSV


def check_whole(length: int, announced: int | None) -> None:
    """ParameterError when the body ended early."""
    if announced is not None and length < announced:
        raise ParameterError([f"the body ended after {length} of {announced} bytes"], ["the whole body"])


def check_coding(headers: Headers) -> None:
    """WrongType when the body is compressed, or in another character set than UTF-8."""
    coding = headers.get("Content-Encoding", "identity").lower()
    if coding not in ("", "identity"):
        raise WrongType(f"the body is coded by [{shown(coding)}]: send it as it is, without Content-Encoding")
    charset = parse_options_header(headers.get("Content-Type"))[1].get("charset", "utf-8")
    if charset.lower() not in ("utf-8", "utf8", "us-ascii"):
        raise WrongType(f"the body is in [{shown(charset)}]: send it in UTF-8")


def check_no_query(query: str) -> None:
    """Raise ParameterError when a POST has parameters in its address too: nobody could tell which ones hold."""
    if query:
        raise ParameterError(["there are parameters in the address"], ["all parameters in the body"])
