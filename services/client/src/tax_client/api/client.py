"""The API client. All threads share one client object, which keeps one HTTP session for each thread."""

import logging
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import requests
from requests.adapters import HTTPAdapter
from requests.auth import HTTPBasicAuth

from tax_client.taxpayers.columns_and_values import Taxpayer
from tax_common.logs import Log, shorten

from .credentials import Credentials
from .request_failures import Answer, ApiError, build_api_error
from .responses import Fields, parse_result, parse_results
from .retry import parse_retry_after

CONNECT_SECONDS = 5.0  # timeout of a connection attempt; a running server accepts immediately
PARAMETERS = Taxpayer._fields[1:]  # the query parameters are all fields of a taxpayer except the id


class TaxApi:
    """A thread-safe client of the tax API at `url`. It waits up to `timeout` seconds for the server to send data."""

    def __init__(self, url: str, credentials: Credentials, timeout: float, ca_file: Path | None, log: Log) -> None:
        self._url = url.rstrip("/") + "/"
        # Encode the credentials as UTF-8, which the API expects. The library `requests` would encode them as Latin-1.
        self._auth = HTTPBasicAuth(credentials.login.encode(), credentials.password.encode())
        self._timeouts = (min(timeout, CONNECT_SECONDS), timeout)
        self._ca_file = ca_file
        self._log = log
        self._of_thread = threading.local()
        self._sessions: list[requests.Session] = []

    def calculate(self, taxpayer: Taxpayer, request_id: str) -> Fields:
        """Request the result of a household. Raises ApiError if no valid result for this household arrives."""
        query = {name: str(v) for name, v in zip(PARAMETERS, taxpayer[1:], strict=True) if v is not None}
        return parse_result(self._send("GET", request_id, {}, params=query), taxpayer)

    def calculate_many(self, taxpayers: Sequence[Taxpayer], request_id: str) -> list[Fields | ApiError]:
        """Send one POST request for all households. Return one item for each household, in the order of the households.

        An item is a result, or an ApiError if the API returned no valid result for the household. Raises ApiError if
        the whole request fails.
        """
        headers = {"Content-Type": "text/csv"}
        return parse_results(self._send("POST", request_id, headers, data=encode_csv(taxpayers)), taxpayers)

    def _send(self, method: str, request_id: str, headers: Mapping[str, str], **content: Any) -> Answer:
        """Send a request and return the response, even for an error status. Raises ApiError if no response arrives."""
        try:
            response = self._session().request(
                method,
                self._url,
                headers={"X-Request-ID": request_id, "Accept": "application/json", **headers},
                auth=self._auth,
                timeout=self._timeouts,
                allow_redirects=False,
                **content,
            )
        except requests.RequestException as error:
            raise build_api_error(error, self._url, self._timeouts[1]) from None
        delay = response.headers.get("Retry-After")
        answer = Answer(response.status_code, response.content, parse_retry_after(delay) if delay else 0)
        if self._log.is_enabled_for(logging.DEBUG):
            body = shorten(response.content.decode(errors="replace"))
            self._log.debug("raw_answer", place="api", request_id=request_id, status=answer.status, **body)
        return answer

    def _session(self) -> requests.Session:
        """Return the HTTP session of the current thread. The first call of a thread creates the session."""
        session: requests.Session | None = getattr(self._of_thread, "session", None)
        if session is None:
            session = self._of_thread.session = create_session(self._ca_file)
            self._sessions.append(session)
        return session

    def close(self) -> None:
        """Close the HTTP sessions of all threads."""
        for session in self._sessions:
            session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _t: TracebackType | None
    ) -> None:
        self.close()


def create_session(ca_file: Path | None) -> requests.Session:
    """Create an HTTP session that keeps one connection. It ignores proxy settings and netrc, and never retries.

    `ca_file` holds the certificates of the trusted authorities. If `ca_file` is None, the session trusts the
    authorities that the package certifi lists.
    """
    session = requests.Session()
    session.verify = str(ca_file) if ca_file else True
    session.trust_env = False
    for scheme in ("http://", "https://"):
        # Disable automatic retries, so that each request in the client's log is one request in the server's log.
        session.mount(scheme, HTTPAdapter(pool_connections=1, pool_maxsize=1, max_retries=0))
    return session


def encode_csv(taxpayers: Sequence[Taxpayer]) -> bytes:
    """Encode households as CSV for the API, without ids. If no optional value is present, omit the optional columns."""
    is_dated = any(one[4:] != (None, None, None) for one in taxpayers)
    end = len(Taxpayer._fields) if is_dated else 4
    rows = [",".join(["" if value is None else str(value) for value in one[1:end]]) for one in taxpayers]
    return "\n".join([",".join(Taxpayer._fields[1:end]), *rows, ""]).encode()
