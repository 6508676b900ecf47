"""The credentials for the API. The client reads them from a file, because other processes can see its arguments."""

from dataclasses import dataclass, field
from pathlib import Path

from tax_client.user_errors import UserError, build_file_error
from tax_common.secret_text import decode_secret

EXPECTED = "expected one line login:password in UTF-8, without ':' in the login name and without control characters"


@dataclass(frozen=True, slots=True)
class Credentials:
    """A login name and password for HTTP Basic authentication. `repr` hides the password."""

    login: str
    password: str = field(repr=False)


def read_credentials(path: Path | None) -> Credentials:
    """Read the credentials from a file. Raises UserError if this fails. The message never quotes the content."""
    if path is None:
        raise UserError("no credentials: use --credentials-file to name a file that holds login:password")
    try:
        content = path.read_bytes()
    except OSError as error:
        remedy = "name a readable file that holds login:password"
        raise build_file_error("credentials file", path, error, remedy) from None
    try:
        return parse_credentials(content)
    except ValueError as error:
        raise UserError(f"credentials file [{path}]: {EXPECTED}; {error}") from None


def parse_credentials(content: bytes) -> Credentials:
    """Parse the content of a credentials file. Raises ValueError if the content is invalid."""
    login, _, password = decode_secret(content).partition(":")
    if not (login and password):
        raise ValueError("the login name or the password is missing: write both")
    return Credentials(login, password)
