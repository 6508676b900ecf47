"""Parsers of the mail addresses and host names in the settings (RFC 5321, 4.1.2), and the format of addresses."""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

from .header_encoding import encode_text

EXPECTED_ADDRESS = "an address in ASCII such as admin@example.org or Admin <admin@example.org>"
EXPECTED_ADDRESSES = f"{EXPECTED_ADDRESS}, or several of them with commas between"
EXPECTED_HOST = "a host name such as tax.example.org, or an address such as [192.0.2.1] or [IPv6:2001:db8::1]"
EXPECTED_SERVER = "a host name such as smtp.example.org, or an address such as 192.0.2.1 or 2001:db8::1"

SEPARATOR = re.compile(r'[,;](?=(?:[^"]*"[^"]*")*[^"]*$)')  # a comma or semicolon outside quotes
ENTRY = re.compile(
    r"""(?: (?P<name> "[^"\\]*" | [^"<>()\[\]:@\\]* ) \s* <(?P<address>[^<>\s]+)> | (?P<bare>[^<>"\s]+) )""", re.VERBOSE
)
LOCAL_PART = re.compile(r"[\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*", re.ASCII)
LABEL = r"(?!-)[\w-]{1,63}(?<!-)"
DOMAIN = re.compile(rf"{LABEL}(?:\.{LABEL})*", re.ASCII)
AMBIGUOUS = re.compile(
    "[ßς\u200c\u200d]"
)  # the standard library encodes these as in IDNA 2003, and not as in IDNA 2008


@dataclass(frozen=True, slots=True)
class MailAddress:
    """A mail address in ASCII, with the name that mail programs display."""

    address: str
    name: str = ""

    def format(self) -> str:
        """Format the address for a header."""
        if not self.name:
            return self.address
        name = encode_text(self.name)
        return f'"{name}" <{self.address}>' if name == self.name else f"{name} <{self.address}>"


def parse_address(text: str) -> MailAddress:
    """Parse one address. Raises ValueError if the text is not exactly one address."""
    found = ENTRY.fullmatch(text.strip())
    if not found or not text.isprintable():
        raise ValueError
    local, _, domain = (found["address"] or found["bare"]).rpartition("@")
    if not LOCAL_PART.fullmatch(local) or len(local) > 64:
        raise ValueError
    return MailAddress(f"{local}@{parse_host(domain)}", (found["name"] or "").strip().strip('"'))


def parse_addresses(text: str) -> tuple[MailAddress, ...]:
    """Parse addresses with commas or semicolons between. Raises ValueError if an entry is empty or not an address.

    If an address occurs more than once, the first entry counts. The case of domains has no meaning.
    """
    entries: dict[tuple[str, str], MailAddress] = {}
    for entry in map(parse_address, SEPARATOR.split(text)):
        local, _, domain = entry.address.partition("@")
        entries.setdefault((local, domain.lower()), entry)
    return tuple(entries.values())


def parse_host(text: str) -> str:
    """Return a host name in ASCII, or an address in brackets. Raises ValueError for any other text."""
    if text.startswith("[IPv6:") and text.endswith("]"):
        return f"[IPv6:{IPv6Address(text[6:-1])}]"
    if text.startswith("[") and text.endswith("]"):
        return f"[{IPv4Address(text[1:-1])}]"
    if AMBIGUOUS.search(text):
        raise ValueError
    host = text if text.isascii() else text.encode("idna").decode("ascii")
    if not DOMAIN.fullmatch(host) or len(host) > 253:
        raise ValueError
    return host


def parse_host_or_nothing(text: str) -> str:
    """Parse a host that can be missing. Raises ValueError for a text that is neither empty nor a host."""
    return parse_host(text) if text else ""


def parse_server(text: str) -> str:
    """Parse the host name or the IP address of a mail server. Raises ValueError for any other text."""
    name = text.removesuffix(".")
    if name.startswith("[") or name.rpartition(".")[2].isdigit() or ":" in name:
        return str(ip_address(text))
    parse_host(name)
    return text
