"""`GET /`: the tax of one household. `POST /`: of one or many, in the body."""

import random
import time
from contextlib import nullcontext
from threading import Lock

from flask import Blueprint, Response, request

from income_tax.http.auth.basic_auth import LoginRequired
from income_tax.http.middleware.request_log import request_id
from income_tax.service_log import Log
from income_tax.storage.schedule_snapshot import CurrentSchedules

from .posted_households import answer_body
from .single_household import answer_query, as_response

LARGE = 2**16  # bytes of a body


def pause_sometimes(seconds: float, log: Log) -> None:
    """With probability 1/2, pause this thread, so that others can be watched overtaking it."""
    if seconds and random.random() < 0.5:  # noqa: S311 - not for security
        log.info("pause", place="index", seconds=seconds)
        time.sleep(seconds)


def blueprint(
    schedules: CurrentSchedules, login_required: LoginRequired, log: Log, sleep_time: float, batch_max: int
) -> Blueprint:
    """The routes of the calculation."""
    routes = Blueprint("calculation", __name__)
    # Large bodies in turn: at the same time they would take as long, and the memory of all of them.
    turn = Lock()

    def pause() -> None:
        pause_sometimes(sleep_time, log)

    @routes.get("/", provide_automatic_options=False)
    @login_required
    def index() -> Response:
        now = schedules.get()
        return as_response(answer_query(request.environ.get("QUERY_STRING", ""), now, request_id(), pause), now)

    @routes.post("/", provide_automatic_options=False)
    @login_required
    def batch() -> Response:
        body = request.get_data(cache=False)
        with turn if len(body) > LARGE else nullcontext():
            return answer_body(request, body, schedules.get(), batch_max, pause)

    return routes
