"""Parser of the header `traceparent` (W3C Trace Context, section 3.2). nginx uses the same pattern."""

import re

# The version, the trace id, the parent id and the flags. The version ff and ids of zeros are invalid. Version 00 ends
# after the flags. Later versions can have more fields.
TRACEPARENT = re.compile(
    r"(?!ff)(?!00.{54})[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?"
)


def parse_trace_id(header: str) -> str | None:
    """Return the trace id in the header, or None if the header is invalid."""
    found = TRACEPARENT.fullmatch(header)
    return found[1] if found else None
