"""What a sample of py-spy is counted to: a part of the program, by its innermost frame that belongs to one."""

import linecache
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

FRAME = re.compile(r"^(?P<function>.*) \((?P<file>[^()]+):(?P<line>\d+)\)$")
# What the innermost frame's line calls: py-spy sees no functions of the kernel's or of C.
SOCKET_CALL = re.compile(
    r"\b\w*sock\w*\.\w+\(|\b_?(epoll|poller|selector)\.\w+\(|\bsuper\(\)\.(recv|send|sendall|settimeout)\("
)
# Where threads wait for work; what the system calls running may only just have been woken.
WAITING = re.compile(r"(LeaderLock\.acquire|_worker|Condition\.\w+|\w*Selector\.select|poll) ")

PARTS = {  # by what the innermost frames name: function, file; the first that matches
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
    """A line of a function that was running."""

    function: str
    file: str
    line: int

    @classmethod
    def of(cls, text: str) -> "Frame | None":
        """A frame as py-spy writes it; None for what is no line of Python."""
        found = FRAME.match(text)
        return cls(found["function"], found["file"], int(found["line"])) if found else None


def part_of(stack: str) -> str | None:
    """The part that a stack, its frames from the outermost on between semicolons, is counted to; None: it waits."""
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
    """The share of each part in the samples of py-spy's raw form (`stack count` a line) that do not wait."""
    counted: Counter[str] = Counter()
    for line in lines:
        stack, _, count = line.rstrip("\n").rpartition(" ")
        if part := part_of(stack):
            counted[part] += int(count)
    whole = counted.total()
    return {part: counted[part] / whole for part in (SOCKETS, *PARTS, REST) if counted[part]}
