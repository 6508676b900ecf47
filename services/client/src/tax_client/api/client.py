"""Access to the API: one object for every thread, one HTTP session a thread."""

import logging
import threading
import uuid
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import requests
from requests.adapters import HTTPAdapter
from requests.auth import HTTPBasicAuth

from tax_client.client_log import Log, shorten
from tax_client.taxpayers.reader import Taxpayer

from .credentials import Credentials
from .failures import no_answer
from .responses import Answer, ApiError
from .results import Fields, read_fields, read_many
from .retry_after import seconds_of

CONNECT_SECONDS = 5.0  # a server that is there accepts at once, however long it then calculates


def new_request_id() -> str:
    """32 hexadecimal digits, for X-Request-ID and for the log lines of one request."""
    return uuid.uuid4().hex


def new_session(ca_file: Path | None) -> requests.Session:
    """A session of one connection, that does what it is told and nothing by itself.

    `ca_file` holds the authorities whose certificates count; None: the public ones, of certifi.
    """
    session = requests.Session()
    session.verify = str(ca_file) if ca_file else True
    session.trust_env = False  # neither proxies nor a netrc of the environment
    for scheme in ("http://", "https://"):
        # No retry: one request asked for is one request sent, here and in the server's log.
        session.mount(scheme, HTTPAdapter(pool_connections=1, pool_maxsize=1, max_retries=0))
    return session


class TaxApi:
    """The tax API at `url`; `timeout` is the longest silence of the server, in seconds. Safe for threads."""

    def __init__(self, url: str, credentials: Credentials, timeout: float, ca_file: Path | None, log: Log) -> None:
        self._url = url.rstrip("/") + "/"
        # As bytes: requests would encode text as Latin-1, the API reads UTF-8.
        self._auth = HTTPBasicAuth(credentials.login.encode(), credentials.password.encode())
        self._timeouts = (min(timeout, CONNECT_SECONDS), timeout)
        self._ca_file = ca_file
        self._log = log
        self._of_thread = threading.local()
        self._sessions: list[requests.Session] = []

    def calculate(self, taxpayer: Taxpayer, request_id: str) -> Fields:
        """The tax of a household. Raises ApiError when the API gives none, or that of another household."""
        return read_fields(self.fetch(taxpayer, request_id), taxpayer)

    def calculate_many(self, taxpayers: Sequence[Taxpayer], request_id: str) -> list[Fields | ApiError]:
        """The tax of many households with one request, or why there is none of one.

        Raises ApiError when the API gives none of all of them.
        """
        body, kind = csv_of(taxpayers), {"Content-Type": "text/csv"}
        return read_many(self._ask("POST", request_id, headers=kind, data=body), taxpayers)

    def fetch(self, taxpayer: Taxpayer, request_id: str) -> Answer:
        """The API's raw answer, whatever its status; logged at level debug. Raises ApiError when none comes."""
        given = {name: str(value) for name, value in taxpayer.given().items() if name != "id"}
        return self._ask("GET", request_id, params=given)

    def _ask(self, method: str, request_id: str, headers: dict[str, str] | None = None, **content: Any) -> Answer:
        try:
            response = self._session().request(
                method,
                self._url,
                headers={"X-Request-ID": request_id, "Accept": "application/json", **(headers or {})},
                auth=self._auth,
                timeout=self._timeouts,
                allow_redirects=False,
                **content,
            )
        except requests.RequestException as error:
            raise no_answer(error, self._url, self._timeouts[1]) from None
        answer = Answer(response.status_code, response.content, seconds_of(response.headers.get("Retry-After", "")))
        if self._log.is_enabled_for(logging.DEBUG):
            body = shorten(response.content.decode(errors="replace"))
            self._log.debug("raw_answer", place="api", request_id=request_id, status=answer.status, **body)
        return answer

    def close(self) -> None:
        """Close the sessions of every thread."""
        for session in self._sessions:
            session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _t: TracebackType | None
    ) -> None:
        self.close()

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._of_thread, "session", None)
        if session is None:
            session = self._of_thread.session = new_session(self._ca_file)
            self._sessions.append(session)
        return session


def csv_of(taxpayers: Sequence[Taxpayer]) -> bytes:
    """The households as the API reads them, their ids left out."""
    columns = Taxpayer._fields[1:] if any(one[4:] != (None, None, None) for one in taxpayers) else Taxpayer._fields[1:4]
    end = len(columns) + 1
    rows = [",".join(["" if value is None else str(value) for value in one[1:end]]) for one in taxpayers]
    return "\n".join([",".join(columns), *rows, ""]).encode()
