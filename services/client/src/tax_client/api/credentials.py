"""The login and password of the API, from a file: never from the command line, where every process can read them."""

from dataclasses import dataclass, field
from pathlib import Path

from tax_client.errors import UserError, unreadable

EXPECTED = "expected one line login:password in UTF-8 (no ':' in the login, no control characters)"


@dataclass(frozen=True, slots=True)
class Credentials:
    """What HTTP Basic authentication sends; the password shows in no representation."""

    login: str
    password: str = field(repr=False)


def read_credentials(path: Path | None) -> Credentials:
    """The credentials of a file. Raises UserError, which never quotes the file."""
    if path is None:
        raise UserError("no credentials: give the path of a file that holds login:password with --credentials-file")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise unreadable("credentials file", path, error, "give a readable file that holds login:password") from None
    try:
        return parse_credentials(content)
    except ValueError:
        raise UserError(f"credentials file [{path}]: {EXPECTED}: correct the file") from None


def parse_credentials(content: bytes) -> Credentials:
    """The credentials of a file's bytes. Raises ValueError, without the bytes."""
    login, colon, password = content.decode("utf-8-sig").rstrip("\r\n").partition(":")
    if not (login and colon and password) or not (login + password).isprintable():
        raise ValueError(EXPECTED)
    return Credentials(login, password)
