"""Kinds of content that is no table in UTF-8, such as spreadsheets, UTF-16 and JSON arrays."""

import re

from tax_common.text_formatting import show_invisible

HEAD = 2**12  # the readers look at this number of bytes at the beginning of the content
BOM = b"\xef\xbb\xbf"
EXPORT = "export the sheet as CSV in UTF-8"
SIGNATURES = {
    b"PK\x03\x04": f"a ZIP archive, such as an .xlsx or .ods spreadsheet: {EXPORT}",
    b"\xd0\xcf\x11\xe0": f"an .xls spreadsheet: {EXPORT}",
    b"\x1f\x8b": "compressed with gzip: decompress it",
    b"\xff\xfe": "text in UTF-16: save it as UTF-8",
    b"\xfe\xff": "text in UTF-16: save it as UTF-8",
}
LINE_END = re.compile(rb"\r(?!\r*(?:\n|\Z))|\n")  # a CR alone, or LF, which other CRs can precede


def find_wrong_kind(head: bytes) -> str:
    """Return a sentence that names a wrong kind of content and the remedy. Return "" if the content can be a table.

    `head` is the beginning of the content. It can end within a character.
    """
    for signature, kind in SIGNATURES.items():
        if head.startswith(signature):
            return f"the content is {kind}"
    if nuls := head.count(0):
        kind = "text in UTF-16 without a byte order mark: save it" if 4 * nuls > len(head) else f"not text: {EXPORT}"
        return f"the content is {kind}" + " as UTF-8" * kind.endswith("save it")
    if wrong := find_wrong_encoding(head):
        return wrong
    if (end := LINE_END.search(head)) and end[0] == b"\r":
        return "the lines of the content end with CR alone: save it with the line ends LF or CRLF"
    return ""


def find_wrong_encoding(content: bytes) -> str:
    """Return a sentence that names the first byte that is not UTF-8, and the remedy. Return "" if there is none.

    The content can end within a character.
    """
    try:
        content.decode()
    except UnicodeDecodeError as error:
        if error.reason == "unexpected end of data" and len(content) >= HEAD:
            return ""
        line = content.count(b"\n", 0, error.start) + 1
        return f"the content is not UTF-8: on line {line}, {describe_wrong_byte(error)}: save it as UTF-8"
    return ""


def describe_wrong_byte(error: UnicodeDecodeError) -> str:
    """Describe the first byte that is not UTF-8, and its meaning in Windows-1252 (cp1252), which spreadsheets use."""
    byte = error.object[error.start : error.start + 1]
    return f"the byte 0x{byte.hex().upper()} is [{show_invisible(byte.decode('cp1252', 'replace'))}] in Windows-1252"


def find_json_kind(line: str) -> str:
    """Return a sentence if the first line of a table begins JSON instead. Return "" for any other line."""
    if line.startswith("["):
        return (
            "the content is a JSON array, not a table: send it with the Content-Type application/json, or write one "
            "object per line into a .jsonl file"
        )
    if line.startswith("{"):
        return (
            "the content is JSON, not a table: send an object or an array with the Content-Type application/json, or "
            "write one object per line into a .jsonl file"
        )
    return ""
