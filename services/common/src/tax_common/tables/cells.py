"""The text and the cells of one line of a table."""

import re
from collections.abc import Sequence

from .content_kind import BOM, describe_wrong_byte

SEPARATORS = (",", ";", "\t")
LINE_MAX = 2**20  # a line must have fewer bytes
CELLS_MAX = 1000  # protects the memory; a household has at most seven values
CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]")
# Blanks of every script, and pairs of quotes, which spreadsheets write for empty cells.
EMPTY_LINE = re.compile(r'(?:[\s,;]|"")*')
CLOSED = "expected a closing quote at the end of each quoted cell, on the same line: correct the quotes"


def build_quote_patterns(separator: str) -> tuple["re.Pattern[str]", "re.Pattern[str]"]:
    """Return the patterns of the beginning of a quoted cell and of a whole quoted cell. A separator is no blank."""
    blanks = rf"[^\S{separator}]*"
    return re.compile(rf'{blanks}"'), re.compile(rf'{blanks}"([^"]*(?:""[^"]*)*)"{blanks}')


QUOTES = {separator: build_quote_patterns(separator) for separator in SEPARATORS}


def split_cells(text: str, separator: str) -> tuple[list[str], set[int]]:
    """Split a line into cells, and strip the blanks of any script. Return the cells and the positions of quoted cells.

    Raises ValueError if a quote is not closed, or if the line has too many cells.
    """
    if text.count(separator) >= CELLS_MAX:
        raise ValueError(f"expected at most {CELLS_MAX} cells, found {text.count(separator) + 1}: shorten the line")
    if '"' not in text:
        return [cell.strip() for cell in text.split(separator)], set()
    (begin, whole), cells, quoted, place = QUOTES[separator], list[str](), set[int](), 0
    while place <= len(text):
        if begin.match(text, place):
            found = whole.match(text, place)
            if not found or text[found.end() : found.end() + 1] not in ("", separator):
                raise ValueError(CLOSED)
            quoted.add(len(cells))
            cell, place = found[1].replace('""', '"'), found.end()
        else:
            end = text.find(separator, place)
            cell, place = text[place : end if end >= 0 else None], end if end >= 0 else len(text)
        cells.append(cell.strip())
        place += 1
    return cells, quoted


def decode_line(raw: bytes) -> str:
    """Decode a line, without its line break and byte order mark. Raises ValueError if the line is not plain text."""
    line = raw.removeprefix(BOM).removesuffix(b"\n").rstrip(b"\r")
    if len(line) >= LINE_MAX:
        raise ValueError(f"expected a line of less than {LINE_MAX} bytes: shorten the line")
    try:
        text = line.decode()
    except UnicodeDecodeError as error:
        raise ValueError(f"expected UTF-8 text: {describe_wrong_byte(error)}: save the file as UTF-8") from None
    if CONTROL.search(text):
        raise ValueError("expected text without control characters: remove them")
    return text


def count_cells(text: str, separators: Sequence[str]) -> int:
    """Return the number of cells of a line. If there are several separators, return the largest number."""
    return max(text.count(separator) for separator in separators) + 1
