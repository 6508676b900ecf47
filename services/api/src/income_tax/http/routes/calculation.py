"""The routes `GET /` and `POST /`, which calculate the taxes of households."""

import random
import time
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

import orjson
from flask import Blueprint, Request, Response, request
from werkzeug.datastructures import MIMEAccept

from income_tax.households.parameters_and_decoders import CALCULATION, EXPLAIN, YEAR, TextDecoder, Values
from income_tax.households.result_serialization import calculate
from income_tax.households.validation import HouseholdSchema, ParameterError, build_household
from income_tax.http.auth.basic_auth import LoginRequired
from income_tax.http.request_id import get_request_id
from income_tax.http.requests.json_and_csv_body import BodyReader, TooManyHouseholds, UnsupportedBody
from income_tax.http.requests.query_string import parse_query
from income_tax.http.requests.whole_body import read_whole_body
from income_tax.http.responses import (
    CSV,
    JSON,
    build_bad_request,
    build_error_response,
    build_errors,
    set_schedules_version,
)
from income_tax.metrics.worker_counters import WorkerCounters
from income_tax.service_log import Log
from income_tax.storage.schedule_snapshot import CurrentSchedules
from income_tax.tax.schedule_parser import Schedules

if TYPE_CHECKING:
    from income_tax.households.batch_validation import ParsedBatch

LARGE_BODY = 2**16  # bytes; larger bodies are processed one at a time
QUERY_SCHEMA = HouseholdSchema(CALCULATION, TextDecoder())


class Answer(NamedTuple):
    """The status and body of a response. `schedules_version` is None if the response is an error."""

    status: int
    body: bytes
    schedules_version: str | None = None
    year: int | None = None  # the income year; None also means the rules `v7`


def answer_query(
    query: str, schedules: Schedules, request_id: str, pause: Callable[[], object] | None = None
) -> Answer:
    """Build the answer to a `GET /` request from its query string. Call `pause` before the calculation."""
    try:
        values = QUERY_SCHEMA.parse(parse_query(query), schedules.years)
    except ParameterError as error:
        content = build_errors(error.errors, request_id, expected=error.expected)
        return Answer(400, orjson.dumps({"response": content}))
    if pause:
        pause()
    return answer_household(values, schedules)


def answer_household(values: Values, schedules: Schedules) -> Answer:
    """Build the answer with the tax of one household."""
    result = calculate(build_household(values), schedules, bool(values.get(EXPLAIN)))
    return Answer(200, orjson.dumps({"response": {"result": result}}), schedules.version, values.get(YEAR))


def build_answer_response(answer: Answer, schedules: Schedules, counters: WorkerCounters) -> Response:
    """Convert an answer to a Flask response, and count its calculation."""
    response = Response(answer.body, answer.status, content_type=JSON)
    if not answer.schedules_version:
        return response
    counters.count_household(answer.year)
    return set_schedules_version(response, schedules)


def answer_body(
    request: Request,
    body: bytes,
    schedules: Schedules,
    batch_max: int,
    counters: WorkerCounters,
    pause: Callable[[], object] | None,
) -> Response:
    """Build the response to a `POST /` request. `body` is the request's body. Call `pause` before the calculation."""
    try:
        households = BodyReader(batch_max, schedules.years).read(request, body)
    except ParameterError as error:
        return build_bad_request(error)
    except TooManyHouseholds:
        sentence = f"the body has more than {batch_max} households: split them into several requests"
        return build_error_response(413, [sentence], limit=batch_max)
    except UnsupportedBody as error:
        return build_error_response(415, [str(error)], expected=[JSON, CSV])
    if pause:
        pause()
    if isinstance(households, dict):
        return build_answer_response(answer_household(households, schedules), schedules, counters)
    return answer_batch(households, schedules, request.accept_mimetypes, counters)


def answer_batch(
    batch: "ParsedBatch", schedules: Schedules, accepted: MIMEAccept, counters: WorkerCounters
) -> Response:
    """Calculate the taxes of the households in a batch. Return the results in the format that the client prefers."""
    # This local import postpones the import of numpy to the first batch.
    from income_tax.households.batch_serialization import (  # noqa: PLC0415
        count_households_by_year,
        serialize_csv,
        serialize_json,
    )

    if prefers_csv(accepted):
        response = Response(serialize_csv(batch, schedules), content_type=f"{CSV}; charset=utf-8")
    else:
        response = Response(serialize_json(batch, schedules), content_type=JSON)
    response.vary.add("Accept")
    counters.count_batch(len(batch.households.year))
    for year, households in count_households_by_year(batch).items():
        counters.count_calculations("batch", year, households)
    return set_schedules_version(response, schedules)


def prefers_csv(accepted: MIMEAccept) -> bool:
    """Return whether the Accept header (RFC 9110, 12.5.1) prefers CSV to JSON. Ignore media type parameters."""
    types = MIMEAccept([(value.partition(";")[0].strip(), quality) for value, quality in accepted])
    return types.best_match([JSON, CSV], JSON) == CSV


def pause_at_random(seconds: float, log: Log) -> None:
    """Pause this thread with probability 1/2, to demonstrate that other threads can overtake this thread."""
    if random.random() < 0.5:  # noqa: S311 - not used for security
        log.info("pause", place="index", seconds=seconds)
        time.sleep(seconds)


def build_blueprint(
    schedules: CurrentSchedules,
    login_required: LoginRequired,
    counters: WorkerCounters,
    log: Log,
    sleep_time: float,
    batch_max: int,
) -> Blueprint:
    """Build the blueprint of the calculation."""
    routes = Blueprint("calculation", __name__)
    # Large bodies are processed one at a time. Parallel processing would not be faster, but would need more memory.
    large_body_lock = Lock()

    pause = partial(pause_at_random, sleep_time, log) if sleep_time else None

    @routes.get("/", provide_automatic_options=False)
    @login_required
    def index() -> Response:
        current = schedules.get()
        answer = answer_query(request.environ.get("QUERY_STRING", ""), current, get_request_id(), pause)
        return build_answer_response(answer, current, counters)

    @routes.post("/", provide_automatic_options=False)
    @login_required
    def batch() -> Response:
        body = read_whole_body(request)
        with large_body_lock if len(body) > LARGE_BODY else nullcontext():
            return answer_body(request, body, schedules.get(), batch_max, counters, pause)

    return routes
