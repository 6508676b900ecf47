"""Assign each py-spy sample to a part of the program.

A frame belongs to a part if its source file belongs to the part. The innermost frame that belongs to a part determines
the part of the sample.
"""

import linecache
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

FRAME = re.compile(r"^(?P<function>.*) \((?P<file>[^()]+):(?P<line>\d+)\)$")
# Matches source lines that call a method of a socket or a poller. py-spy records no frames for C code.
SOCKET_CALL = re.compile(
    r"\b\w*sock\w*\.\w+\(|\b_?(epoll|poller|selector)\.\w+\(|\bsuper\(\)\.(recv|send|sendall|settimeout)\("
)
# Matches functions in which threads wait for work. py-spy can sample such a thread when it wakes up, because the kernel
# then reports it as running. These samples do not count.
WAITING = re.compile(r"(LeaderLock\.acquire|_worker|Condition\.\w+|\w*Selector\.select|poll) ")

# Maps each part to a pattern of its source files. The first pattern that matches a file determines its part.
PARTS = {
    "gunicorn: parser": r"gunicorn/http/(parser|message|body|unreader)\.py",
    "gunicorn: response": r"gunicorn/http/wsgi\.py|gunicorn/util\.py|income_tax/server/single_write_response\.py",
    "gunicorn: worker and threads": r"gunicorn/|income_tax/server/leader_follower/|concurrent/futures/",
    "authentication": r"income_tax/(http/auth/|storage/users\.py)",
    "query: parsing and validation": r"income_tax/(http/requests/query_string|households/(validation|parameters_))",
    "calculation and tax data": r"income_tax/(tax/|households/result_serialization|http/routes/|storage/)",
    "log lines": r"tax_common/logs/|income_tax/service_log\.py",
    "request id, counters and fast path": r"income_tax/",
    "bare callable": r"bench/baseline_apps\.py",
}
SOCKETS, REST = "socket and poller calls", "rest"


@dataclass(frozen=True, slots=True)
class Frame:
    """A stack frame of a Python program."""

    function: str
    file: str
    line: int

    @classmethod
    def of(cls, text: str) -> "Frame | None":
        """Parse a frame in py-spy's format. Return None if the text is not a Python frame."""
        found = FRAME.match(text)
        return cls(found["function"], found["file"], int(found["line"])) if found else None


def part_of(stack: str) -> str | None:
    """Return the part of a stack, or None if the thread waits for work. Semicolons separate the frames of the stack."""
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
    """Return the share of each part in the samples, excluding samples of waiting threads.

    `lines` contains py-spy's output in its raw format. A line contains a stack and the number of its samples.
    """
    counted: Counter[str] = Counter()
    for line in lines:
        stack, _, count = line.rstrip("\n").rpartition(" ")
        # Without pausing the process, py-spy can read a text that is just changing, and write a line without a count.
        if count.isdigit() and (part := part_of(stack)):
            counted[part] += int(count)
    whole = counted.total()
    return {part: counted[part] / whole for part in (SOCKETS, *PARTS, REST) if counted[part]}
