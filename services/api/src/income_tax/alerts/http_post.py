"""POST requests with a JSON body to a server of alerts."""

import http.client
import json
from collections.abc import Callable
from urllib.parse import urlsplit

from income_tax import __version__
from tax_common.text_formatting import replace_surrogates

from .channel import MailError, MailRefused, MailUnconfirmed

TIMEOUT = 30.0  # seconds for each step of a request
QUOTED = 200  # bytes of a response that are quoted
BUSY = (408, 425, 429)  # statuses below 500 after which a later attempt might succeed
CONNECTIONS = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}
HTTP_ERRORS = (OSError, http.client.HTTPException, ValueError)


def post_json(
    channel: str,
    url: str,
    body: bytes,
    before_end: Callable[[], object] = lambda: None,
    timeout: float = TIMEOUT,
) -> None:
    """Post the body, and return if the server accepts it with a status from 200 to 299.

    The server's certificate is verified. Redirects are refused, because a redirect could send the alert to another
    server or in clear. `before_end` is called before the body is sent, because the server can then accept it. Raises
    MailRefused if the server permanently refuses the body, MailUnconfirmed if the server has received the body and no
    response arrives, and MailError for every other failure.
    """
    parts = urlsplit(url)
    # The reason omits the path, because the path of a webhook can contain a secret.
    server = f"{channel} {parts.scheme}://{parts.netloc}"
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection = CONNECTIONS[parts.scheme](parts.netloc, timeout=timeout)
    try:
        send_request(server, connection, target, body, before_end)
        raise_for_status(server, receive_response(server, connection))
    finally:
        connection.close()


def send_request(
    server: str, connection: http.client.HTTPConnection, target: str, body: bytes, before_end: Callable[[], object]
) -> None:
    """Send the request. Raises MailError if the server has not received the whole request."""
    try:
        connection.connect()
        connection.putrequest("POST", target)
        connection.putheader("Content-Type", "application/json")
        connection.putheader("Content-Length", str(len(body)))
        connection.putheader("User-Agent", f"income-tax/{__version__}")
        connection.putheader("Connection", "close")
        connection.endheaders()
    except HTTP_ERRORS as error:
        raise MailError(describe(server, error), server=True) from error
    before_end()  # outside of `try`, because its errors concern the spool
    try:
        connection.send(body)
    except HTTP_ERRORS as error:
        raise MailError(describe(server, error), server=True) from error


def receive_response(server: str, connection: http.client.HTTPConnection) -> http.client.HTTPResponse:
    """Return the response. Raises MailUnconfirmed if no valid response arrives."""
    try:
        return connection.getresponse()
    except HTTP_ERRORS as error:
        raise MailUnconfirmed(describe(f"{server}: no response", error)) from error


def serialize_json(content: object) -> str:
    """Return JSON without lone surrogates, which many servers reject even as escapes."""
    return replace_surrogates(json.dumps(content, ensure_ascii=False))


def describe(server: str, error: Exception) -> str:
    """Return the reason of a failure."""
    return f"{server}: {type(error).__name__}: {error}"


def raise_for_status(server: str, response: http.client.HTTPResponse) -> None:
    """Raise the exception that describes the consequence of a status outside 200 to 299."""
    if 200 <= response.status < 300:
        return
    try:
        words = response.read(QUOTED).decode("utf-8", "replace").strip()
    except HTTP_ERRORS:
        words = ""
    reason = f"{server}: status {response.status}" + (f": {words}" if words else "")
    if response.status >= 500 or response.status in BUSY:
        raise MailError(reason, server=True)
    raise MailRefused(reason)
