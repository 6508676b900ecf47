"""Whom a flood asks, and by which headers."""

from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path

from tax_client import __version__
from tax_client.api.credentials import Credentials


@dataclass(frozen=True, slots=True)
class Target:
    """The service at `url`; an answer that takes longer than `timeout` seconds is not waited for.

    `ca_file` holds the authorities whose certificates count; None: the public ones, of certifi.
    """

    url: str
    credentials: Credentials
    timeout: float
    ca_file: Path | None

    @property
    def address(self) -> str:
        """The address of the calculation, without a query."""
        return self.url.rstrip("/") + "/"

    @property
    def headers(self) -> dict[str, str]:
        """What every request says, beside its own id."""
        # In UTF-8, which the API reads; libraries would encode as Latin-1.
        login = f"{self.credentials.login}:{self.credentials.password}".encode()
        return {
            "Authorization": "Basic " + b64encode(login).decode(),
            "Accept": "application/json",
            "User-Agent": f"tax-client/{__version__}",
        }
