"""Print the last lines of the logs. Without arguments, print standard input and escape its control characters.

The arguments have the form NAME=value. LINES is the number of lines of each log. SERVICE, LEVEL and ID select lines.
With FOLLOW=1, the script prints new lines until Ctrl-C. With RAW=1, it prints JSON lines as they are. The script runs
in a container of the API.
"""

import os
import re
import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tax_common.logs.readable_lines import LEVELS, escape_line, format_line, rank_level
from tax_common.text_formatting import show_invisible

DATABASES = ("mysql", "postgres")
INTERVAL = 0.3  # seconds between two searches for new lines
WHOLE_ID = rb"(?<![\w.-])%s(?![\w-]|\.[\w.-])"  # a full stop can follow the id, but a dot of a longer id cannot
MOVED = 3.0  # seconds after a rotation until no program writes to the renamed log


def decode(line: bytes) -> str:
    """Return the text of a line without its end."""
    return line.removesuffix(b"\n").decode(errors="backslashreplace")


@dataclass(frozen=True)
class Selection:
    """The lines that the script prints."""

    folder: Path
    services: tuple[str, ...]
    lines: int
    level: str
    request_id: str
    follow: bool
    raw: bool

    def find_logs(self) -> list[Path]:
        """Return the paths of the logs of the selected services."""
        return sorted(path for service in self.services for path in (self.folder / service).glob("*.log"))

    @property
    def is_filter(self) -> bool:
        """Whether LEVEL or ID is set."""
        return bool(self.level or self.request_id)

    def accepts(self, line: bytes) -> bool:
        """Return whether a line has at least the selected level and contains the selected request id."""
        if self.request_id and not re.search(WHOLE_ID % re.escape(self.request_id.encode()), line):
            return False
        return not self.level or rank_level(decode(line)) >= LEVELS.index(self.level)

    def format(self, line: bytes) -> str:
        """Return a line in the selected form."""
        return escape_line(decode(line)) if self.raw else format_line(decode(line))


def refuse(name: str, value: str, expected: str) -> None:
    """End the script with an error message about an argument."""
    sys.exit(f"{name} is [{show_invisible(value)}]; expected {expected}")


def join(words: Iterable[str]) -> str:
    """Join words as in `a, b or c`."""
    *others, last = words
    return f"{', '.join(others)} or {last}" if others else last


def parse_selection(given: Mapping[str, str]) -> Selection:
    """Check the arguments. End the script at the first invalid argument."""
    folder = Path(given.get("FOLDER", "/logs"))
    known = sorted(path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    service, level, request_id, lines = (given.get(name, "") for name in ("SERVICE", "LEVEL", "ID", "LINES"))
    lines = lines or "20"
    if not re.fullmatch("[0-9]{1,9}", lines):
        refuse("LINES", lines, "a number of lines")
    if service not in ("", "db", *known):
        refuse("SERVICE", service, join(sorted({*known, "db"})))
    if level not in ("", *LEVELS):
        refuse("LEVEL", level, join(LEVELS))
    if request_id and not re.fullmatch("[A-Za-z0-9._-]{8,64}", request_id):
        refuse("ID", request_id, "a request id, which has 8 to 64 letters, digits, dots, underscores or hyphens")
    for name in ("FOLLOW", "RAW"):
        if given.get(name, "") not in ("", "0", "1"):
            refuse(name, given[name], "0 or 1")
    services = DATABASES if service == "db" else (service,) if service else tuple(known)
    follow, raw = (given.get(name) == "1" for name in ("FOLLOW", "RAW"))
    return Selection(folder, services, int(lines), level, request_id, follow, raw)


class OpenLog:
    """A log whose new lines are read repeatedly. It can be rotated between two reads."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rest = b""  # the incomplete line at the end
        self._file = path.open("rb")
        self._moved_at: float | None = None  # the time when a rotation was detected

    def read_lines(self) -> Iterator[bytes]:
        """Yield the complete lines that follow the last read."""
        self._detect_rotation()
        for line in self._file:
            self.rest += line
            if self.rest.endswith(b"\n"):
                yield self.rest
                self.rest = b""

    def is_open(self, path: Path) -> bool:
        """Return whether a path names the open file."""
        return os.path.samestat(path.stat(), os.fstat(self._file.fileno()))

    def read_archives(self) -> Iterator[bytes]:
        """Yield the complete lines of all archives of the log, the oldest first."""
        for archive in sorted(self.path.parent.glob(f"{self.path.name}.*")):
            with suppress(FileNotFoundError):  # the rotation can remove an archive
                if not self.is_open(archive):  # the log can become an archive after it was opened
                    yield from OpenLog(archive).read_lines()

    def _detect_rotation(self) -> None:
        if os.fstat(self._file.fileno()).st_size < self._file.tell():  # the log was copied and truncated
            self._file.seek(0)
            self.rest = b""
        if not self.path.exists() or self.is_open(self.path):
            return
        # Read the renamed log until no program writes to it.
        now = time.monotonic()
        self._moved_at = self._moved_at or now
        if now - self._moved_at > MOVED:
            self._file.close()
            self._file, self._moved_at = self.path.open("rb"), None


class Printer:
    """Prints lines under the path of their log."""

    def __init__(self, selection: Selection) -> None:
        self._selection = selection
        self._path: Path | None = None

    def print_lines(self, path: Path, lines: Iterable[bytes], even_if_empty: bool = False) -> None:
        """Print the lines of a log. Print the path first, unless the last line belongs to the same log."""
        texts = [self._selection.format(line) for line in lines]
        if (texts or even_if_empty) and self._path != path:
            texts.insert(0, f"{'' if self._path is None else chr(10)}==> {path} <==")
            self._path = path
        if texts:
            print("\n".join(texts), flush=True)


def print_logs(selection: Selection) -> None:
    """Print the last selected lines of each log, and with FOLLOW=1 the new lines."""
    logs, printer = {}, Printer(selection)
    for path in selection.find_logs():
        log = logs[path] = OpenLog(path)
        last = deque[bytes](maxlen=selection.lines)
        if selection.request_id:
            last.extend(filter(selection.accepts, log.read_archives()))
        last.extend(filter(selection.accepts, log.read_lines()))
        if log.rest and not selection.follow and selection.accepts(log.rest):
            last.append(log.rest)
        printer.print_lines(path, last, even_if_empty=not selection.is_filter)
    while selection.follow:
        time.sleep(INTERVAL)
        for path in selection.find_logs():
            if path not in logs:
                logs[path] = OpenLog(path)
            printer.print_lines(path, filter(selection.accepts, logs[path].read_lines()))


def main() -> None:
    """Print the logs, or standard input."""
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    if sys.argv[1:]:
        print_logs(parse_selection(dict(argument.split("=", 1) for argument in sys.argv[1:])))
    else:
        for line in sys.stdin.buffer:
            print(escape_line(decode(line)), flush=True)


try:
    main()
except KeyboardInterrupt:  # Ctrl-C ends FOLLOW=1
    sys.exit(130)
