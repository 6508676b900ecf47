"""POST requests with a JSON body to a server of alerts."""

import http.client
from typing import IO, Any, NoReturn
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

from income_tax import __version__

from .channel import MailError, MailRefused

TIMEOUT = 10.0  # seconds for each step of a request
QUOTED = 200  # bytes of a response that are quoted
BUSY = (408, 425, 429)  # statuses below 500 after which a later attempt might succeed


class RejectRedirects(HTTPRedirectHandler):
    """Turns each redirect into an HTTPError, because a redirect could send the alert to another server or in clear."""

    def redirect_request(self, req: Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str) -> None:
        """Return None, which refuses the redirect."""


def post_json(channel: str, url: str, body: bytes, timeout: float = TIMEOUT) -> None:
    """Post the body, and return if the server accepts it with a status from 200 to 299.

    The server's certificate is verified. Environment variables of proxies are ignored. Raises MailRefused if the
    server permanently refuses the body, and MailError for every other failure.
    """
    headers = {"Content-Type": "application/json", "User-Agent": f"income-tax/{__version__}"}
    request = Request(url, body, headers, method="POST")  # noqa: S310 - the settings accept only HTTP and HTTPS
    # The reason omits the path, because the path of a webhook can contain a secret.
    server = f"{channel} {urlsplit(url).scheme}://{urlsplit(url).netloc.rpartition('@')[2]}"
    try:
        with build_opener(ProxyHandler({}), RejectRedirects()).open(request, timeout=timeout):
            return
    except HTTPError as error:
        with error:
            raise_for_status(server, error)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise MailError(f"{server}: {type(error).__name__}: {error}", server=True) from error


def raise_for_status(server: str, error: HTTPError) -> NoReturn:
    """Raise the exception that describes the consequence of a status outside 200 to 299."""
    try:
        words = error.read(QUOTED).decode("utf-8", "replace").strip()
    except (OSError, http.client.HTTPException):
        words = ""
    reason = f"{server}: status {error.code}" + (f": {words}" if words else "")
    if error.code >= 500 or error.code in BUSY:
        raise MailError(reason, server=True) from error
    raise MailRefused(reason) from error
