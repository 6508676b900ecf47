"""Error handlers, which convert all errors to JSON responses.

A response contains the reason, the remedy and the request id. It does not contain internal details.
"""

import traceback
from collections.abc import Sequence
from pathlib import Path

from flask import Flask, Response, current_app, g, request
from werkzeug.exceptions import ClientDisconnected, HTTPException, RequestEntityTooLarge

from income_tax.alerts.alert import Alert, Summary
from income_tax.alerts.alert_sender import AlertSender
from income_tax.service_log import Log, mask_amounts

from .middleware.request_log import get_place, get_url
from .request_id import get_request_id
from .responses import build_error_response, build_errors, build_response
from .routes.login_check import LOGIN_CHECK

PACKAGE = Path(__file__).parents[1]

MALFORMED_BODY = "the body is malformed or incomplete: send the whole body and its correct Content-Length"
FAILED = "the service failed and notified the administrator: contact the administrator and quote the request id"
SENTENCES = {
    404: "this address does not exist: to calculate a tax, send GET /?year=2025&married=yes&children=2&salary=50000",
    405: "this method is not allowed at this address: use a method that the Allow header lists",
}


def register(
    app: Flask,
    log: Log,
    alerts: AlertSender,
    batch_max: int,
    mask: bool,
    body_errors: Sequence[type[Exception]] = (),
) -> None:
    """Register handlers for HTTP errors and unexpected exceptions. Unexpected exceptions also cause alert mails.

    `batch_max` is the maximum number of households in a body. If `mask` is true, the mails mask the numbers in URLs and
    exception messages. The server raises one of `body_errors` if a body is malformed.
    """
    register_body_errors(app, batch_max, (ClientDisconnected, *body_errors))
    app.register_error_handler(HTTPException, answer_http_error)

    @app.errorhandler(Exception)
    def answer_failure(error: Exception) -> Response:
        g.lines.release()
        # Flask calls this function in an `except` block, so log.exception finds the exception.
        log.exception("request failed", place=get_place())  # noqa: LOG004
        content = build_errors([FAILED], get_request_id())
        alerts.send(build_alert(error, content, mask))
        return build_response(content, 500)


def register_body_errors(app: Flask, batch_max: int, malformed: Sequence[type[Exception]]) -> None:
    """Register handlers that send status 400 for a malformed body, and status 413 for a body that is too large."""

    def answer_malformed_body(_error: Exception) -> Response:
        return build_error_response(400, [MALFORMED_BODY])

    for error_class in malformed:
        app.register_error_handler(error_class, answer_malformed_body)

    @app.errorhandler(RequestEntityTooLarge)
    def answer_large_body(_error: Exception) -> Response:
        size = app.config["MAX_CONTENT_LENGTH"]
        sentence = f"the body is longer than {size} bytes: send fewer households per request"
        return build_error_response(413, [sentence], limit=batch_max)


def answer_http_error(error: HTTPException) -> Response:
    """Build a JSON response that has the status and headers of an HTTP error."""
    status = error.code or 500
    more = {"expected": list_addresses()} if status == 404 else {}
    response = build_error_response(status, [SENTENCES.get(status, error.description or error.name)], **more)
    for name, value in error.get_headers():
        if name != "Content-Type":
            response.headers[name] = value
    return response


def list_addresses() -> list[str]:
    """Return the methods and addresses for clients, for example `GET /curve`.

    The list omits the files of the pages, and the address that only nginx uses.
    """
    rules = [rule for rule in current_app.url_map.iter_rules() if not rule.rule.startswith(("/static/", LOGIN_CHECK))]
    return sorted(f"{method} {rule}" for rule in rules for method in (rule.methods or set()) - {"HEAD", "OPTIONS"})


def build_alert(error: Exception, content: dict[str, object], mask: bool) -> Alert:
    """Build the alert for a request that failed with status 500.

    If `mask` is true, mask the numbers in the URL and in the exception message.
    """
    frames = traceback.extract_tb(error.__traceback__)
    frame = frames[-1]
    own = next((f for f in reversed(frames) if str(PACKAGE) in f.filename), frame)
    details = {
        "request": f"{request.method} {mask_amounts(get_url()) if mask else get_url()}",
        "error": f"{type(error).__name__}: {mask_amounts(str(error)) if mask else error}",
        "where": f"{frame.filename}:{frame.lineno} in {frame.name}",
    }
    # Two failures are treated as having the same cause if they have the same exception type, the same URL rule and the
    # same innermost function of this package. URLs are not compared, because the number of different URLs is unlimited.
    where = f"{type(error).__name__} in {Path(own.filename).stem}.{own.name}"
    rule = request.url_rule.rule if request.url_rule else ""
    return Alert("request", Summary.REQUEST_FAILED, {"response": content}, get_request_id(), details, where, rule)
