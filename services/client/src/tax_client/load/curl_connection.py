"""libcurl connections, the kinds of their failures, and the limit of open file descriptors."""

import errno
import os
import resource
from base64 import b64encode
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import certifi
import pycurl

from tax_client import __version__
from tax_client.api.client import CONNECT_SECONDS
from tax_client.api.credentials import Credentials
from tax_client.api.request_failures import KINDS, TIMEOUT

from .request_recorder import PendingRequest

MESSAGES = {kind: message for _, kind, message in KINDS}
LOST = "connection lost"
KIND_BY_ERROR = {
    pycurl.E_OPERATION_TIMEDOUT: TIMEOUT,
    pycurl.E_COULDNT_RESOLVE_HOST: "unknown host",
    pycurl.E_SSL_CONNECT_ERROR: "TLS error",
    pycurl.E_PEER_FAILED_VERIFICATION: "TLS error",
    **dict.fromkeys((pycurl.E_COULDNT_CONNECT, pycurl.E_RECV_ERROR, pycurl.E_SEND_ERROR), LOST),
    **dict.fromkeys((pycurl.E_GOT_NOTHING, pycurl.E_PARTIAL_FILE, pycurl.E_ABORTED_BY_CALLBACK), LOST),
}
NO_DESCRIPTOR = "no descriptor left"  # the only kind of failure that the client itself causes
NO_DESCRIPTOR_MESSAGE = (
    "the client cannot open more files or connections: raise its limit (ulimit -n), or lower --threads"
)


@dataclass(frozen=True, slots=True)
class Target:
    """The service at `url`. A request fails if its answer takes longer than `timeout` seconds.

    `ca_file` contains the certificates of the trusted authorities. If it is None, the client uses certifi's file.
    """

    url: str
    credentials: Credentials
    timeout: float
    ca_file: Path | None

    @property
    def address(self) -> str:
        """The URL of the calculation, without a query."""
        return self.url.rstrip("/") + "/"

    @property
    def headers(self) -> dict[str, str]:
        """The headers that all requests share."""
        # Encode the credentials here, because the API expects UTF-8 but HTTP libraries use Latin-1.
        login = f"{self.credentials.login}:{self.credentials.password}".encode()
        return {
            "Authorization": "Basic " + b64encode(login).decode(),
            "Accept": "application/json",
            "User-Agent": f"tax-client/{__version__}",
        }


class CurlConnection:
    """A connection, with its libcurl handle, its request in flight, and the received chunks of the response body."""

    def __init__(self, target: Target, is_post: bool) -> None:
        self.request, self.chunks, self.attempts = PendingRequest(), list[bytes](), 0
        self.curl = curl = pycurl.Curl()
        curl.connection = self
        self._headers = [f"{name}: {value}" for name, value in target.headers.items()]
        if is_post:
            self._headers += ["Content-Type: application/json", "Expect:"]
        for option, value in {
            pycurl.NOSIGNAL: 1,
            pycurl.NOPROXY: "*",
            pycurl.CAINFO: str(target.ca_file or certifi.where()),  # the command `calculate` has this default too
            pycurl.HTTP_VERSION: pycurl.CURL_HTTP_VERSION_1_1,  # a connection sends one request at a time
            pycurl.CONNECTTIMEOUT_MS: to_milliseconds(min(target.timeout, CONNECT_SECONDS)),
            pycurl.TIMEOUT_MS: to_milliseconds(target.timeout),
            pycurl.URL: target.address,
            pycurl.WRITEFUNCTION: self.chunks.append,
            pycurl.PREREQFUNCTION: self._allow_once,
        }.items():
            curl.setopt(option, value)

    def prepare(self, url: str | None, body: bytes | None) -> None:
        """Set the libcurl options that differ between requests."""
        self.attempts = 0
        if url is not None:
            self.curl.setopt(pycurl.URL, url)
        if body is not None:
            self.curl.setopt(pycurl.POSTFIELDS, body)
        self.curl.setopt(pycurl.HTTPHEADER, [*self._headers, f"X-Request-ID: {self.request.request_id}"])

    def take_body(self) -> bytes:
        """Return the received part of the response body, and clear the buffer."""
        chunks = self.chunks
        body = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        chunks.clear()
        return body

    def _allow_once(self, *_addresses: object) -> Any:
        # Abort a second send. libcurl resends a request if a kept-alive connection breaks, and both sends would have
        # the same request id.
        self.attempts += 1
        return pycurl.PREREQFUNC_OK if self.attempts == 1 else pycurl.PREREQFUNC_ABORT


def to_milliseconds(seconds: float) -> int:
    """Convert a timeout to milliseconds. The minimum is 1, because 0 would disable libcurl's timeout."""
    return max(1, round(seconds * 1000))


def describe_failure(target: Target, number: int, text: str, os_error: int) -> tuple[str, str]:
    """Return the kind and message of a failure. `number` and `text` come from libcurl. `os_error` is an errno."""
    # libcurl reports no errno if it cannot open a socket. Therefore, check whether a lack of descriptors is the cause.
    if number == pycurl.E_COULDNT_CONNECT and not os_error and not has_free_descriptor():
        return NO_DESCRIPTOR, NO_DESCRIPTOR_MESSAGE
    is_refused = number == pycurl.E_COULDNT_CONNECT and os_error == errno.ECONNREFUSED
    kind = "connection refused" if is_refused else KIND_BY_ERROR.get(number)
    if kind is None:
        return "request failed", f"expected a readable answer from {target.url}, got [{text}]: see the server's log"
    return kind, MESSAGES[kind].format(url=target.url, timeout=target.timeout)


def has_free_descriptor() -> bool:
    """Return whether this process can open one more file."""
    try:
        os.close(os.open(os.devnull, os.O_RDONLY))
    except OSError as error:
        return error.errno not in (errno.EMFILE, errno.ENFILE)
    return True


def raise_descriptor_limit() -> None:
    """Raise this process's soft limit on open files to the hard limit. Child processes inherit the limit."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):  # some systems reject an infinite limit
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
