"""Every failure as JSON: what went wrong and what to do, with the request's id, never an internal."""

import traceback
from pathlib import Path

from flask import Flask, Response, request
from gunicorn.http.errors import ParseException
from werkzeug.exceptions import ClientDisconnected, HTTPException, RequestEntityTooLarge

from income_tax.alerts.alert import Alert
from income_tax.alerts.dispatcher import Dispatcher
from income_tax.service_log import Log, mask_amounts

from .middleware.request_log import place, request_id, url
from .responses import answer, errors_body

PACKAGE = Path(__file__).parents[1]

MALFORMED_BODY = "the body is malformed or ended early: send all of it, with its Content-Length"
SENTENCES = {
    404: "there is nothing at this address: the calculation is GET /?married=yes&children=2&salary=50000",
    405: "this method is not allowed here: use one that the Allow header names",
}


def register(app: Flask, log: Log, alerts: Dispatcher, batch_max: int, mask: bool) -> None:
    """Answer HTTP errors and unexpected failures in JSON; the latter are mailed to the administrator.

    `batch_max` households are taken at once. `mask` hides the numbers that a request holds from the mails.
    """

    @app.errorhandler(ParseException)
    @app.errorhandler(ClientDisconnected)
    def malformed(_error: Exception) -> Response:
        return answer(errors_body([MALFORMED_BODY], request_id()), 400)

    @app.errorhandler(RequestEntityTooLarge)
    def too_long(_error: Exception) -> Response:
        sentence = f"the body is longer than {app.config['MAX_CONTENT_LENGTH']} bytes: send fewer households at once"
        return answer(errors_body([sentence], request_id(), limit=batch_max), 413)

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> Response:
        status = error.code or 500
        response = answer(errors_body([SENTENCES.get(status, error.description or error.name)], request_id()), status)
        for name, value in error.get_headers():
            if name != "Content-Type":
                response.headers[name] = value
        return response

    @app.errorhandler(Exception)
    def failure(error: Exception) -> Response:
        log.exception("request failed", place=place())  # noqa: LOG004 - Flask calls this as it handles the exception
        sentence = "the service failed to answer; the administrator has been told, and knows it by the request id"
        body = errors_body([sentence], request_id())
        alerts.send(failure_alert(error, body, mask))
        return answer(body, 500)


def failure_alert(error: Exception, body: dict[str, object], mask: bool) -> Alert:
    """The alert for a request that ended in a 500; `mask` hides the numbers that the request holds."""
    frames = traceback.extract_tb(error.__traceback__)
    frame = frames[-1]
    own = next((f for f in reversed(frames) if str(PACKAGE) in f.filename), frame)
    details = {
        "request": f"{request.method} {mask_amounts(url()) if mask else url()}",
        "error": f"{type(error).__name__}: {mask_amounts(str(error)) if mask else error}",
        "where": f"{frame.filename}:{frame.lineno} in {frame.name}",
    }
    summary = "The tax service failed to answer a request:"
    # What makes failures the same: their type, the innermost function of ours, the rule of the address (not the
    # address, of which there may be any number).
    where = f"{type(error).__name__} in {Path(own.filename).stem}.{own.name}"
    rule = request.url_rule.rule if request.url_rule else ""
    return Alert("request", summary, {"response": body}, request_id(), details, where, rule)
