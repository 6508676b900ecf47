"""Assign each py-spy sample to a part of the program, by the innermost frame that belongs to a part."""

import linecache
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

FRAME = re.compile(r"^(?P<function>.*) \((?P<file>[^()]+):(?P<line>\d+)\)$")
# Matches a source line that calls a socket or poller. py-spy does not record C functions or system calls.
SOCKET_CALL = re.compile(
    r"\b\w*sock\w*\.\w+\(|\b_?(epoll|poller|selector)\.\w+\(|\bsuper\(\)\.(recv|send|sendall|settimeout)\("
)
# Functions in which threads wait for work. A thread that the system reports as running may just have woken up.
WAITING = re.compile(r"(LeaderLock\.acquire|_worker|Condition\.\w+|\w*Selector\.select|poll) ")

PARTS = {  # part to pattern of its source files; the first matching part counts
    "gunicorn: parser": r"gunicorn/http/(parser|message|body|unreader)\.py",
    "gunicorn: response": r"gunicorn/http/wsgi\.py|gunicorn/util\.py|income_tax/server/single_write_response\.py",
    "gunicorn: worker, its threads": r"gunicorn/|income_tax/server/leader_follower/|concurrent/futures/",
    "login": r"income_tax/(http/auth/|storage/users\.py)",
    "query: parse and validate": r"income_tax/(http/requests/query_string|households/(validation|parameters))\.py",
    "calculate, and the figures looked up": r"income_tax/(tax/|households/serialization|http/routes/|storage/)",
    "log lines": r"tax_common/logs/|income_tax/service_log\.py",
    "request id, counters, the fast path": r"income_tax/",
    "the bare callable": r"bench/hello\.py",
}
SOCKETS, REST = "socket and poller calls", "rest"


@dataclass(frozen=True, slots=True)
class Frame:
    """A stack frame: function, file and line."""

    function: str
    file: str
    line: int

    @classmethod
    def of(cls, text: str) -> "Frame | None":
        """Parse a frame in py-spy's format, or return None if the text is not a Python frame."""
        found = FRAME.match(text)
        return cls(found["function"], found["file"], int(found["line"])) if found else None


def part_of(stack: str) -> str | None:
    """Return the part of a stack, whose frames are separated by semicolons, or None if the thread is waiting."""
    frames = [frame for text in reversed(stack.split(";")) if (frame := Frame.of(text))]
    if not frames:
        return REST
    innermost = frames[0]
    if WAITING.match(innermost.function + " "):
        return None
    if SOCKET_CALL.search(linecache.getline(innermost.file, innermost.line)):
        return SOCKETS
    for frame in frames:
        for part, files in PARTS.items():
            if re.search(files, frame.file):
                return part
    return REST


def shares(lines: Iterable[str]) -> dict[str, float]:
    """Return the share of each part in py-spy's raw samples (`stack count` lines), without waiting threads."""
    counted: Counter[str] = Counter()
    for line in lines:
        stack, _, count = line.rstrip("\n").rpartition(" ")
        if part := part_of(stack):
            counted[part] += int(count)
    whole = counted.total()
    return {part: counted[part] / whole for part in (SOCKETS, *PARTS, REST) if counted[part]}
