"""Headers with wrong quotes, control characters or bytes that are not UTF-8."""

from .cells import CONTROL, SEPARATORS, count_cells
from .content_kind import HEAD
from .header import find_header, looks_like_header
from .household_columns import Vocabulary
from .row_format import RowFormat


def is_damaged_header(raw: bytes, vocabulary: Vocabulary, current: RowFormat) -> bool:
    """Return whether a line looks like a header without its quotes, control characters and bytes that are not UTF-8.

    Otherwise, a header in another encoding would be one bad line, and the lines below it would have the wrong columns.
    """
    text = CONTROL.sub("", raw[:HEAD].decode(errors="replace")).replace('"', "")
    if text.lstrip(" ").startswith("#") and count_cells(text, SEPARATORS) < len(current.columns):
        return False
    header = find_header(text.lstrip("# "), vocabulary)
    return header is not None and looks_like_header(header, current)
