"""How fast a calculation goes and when it ends, on stderr: a line rewritten on a terminal, plain lines elsewhere."""

import os
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TextIO

TERMINAL_SECONDS, PLAIN_SECONDS = 0.2, 5.0  # between two lines; what is done sooner needs none


class Pace:
    """What is said of a run over `size` bytes of input (None: unknown), begun at `offset`; `clock` gives seconds."""

    def __init__(
        self, stream: TextIO, size: int | None, offset: int = 0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._stream, self._size, self._first, self._clock = stream, size, offset, clock
        self._terminal = stream.isatty()
        self.interval = TERMINAL_SECONDS if self._terminal else PLAIN_SECONDS
        self._begun = self._said = clock()
        self._width = 0

    def show(self, offset: int, done: int) -> None:
        """Say how far it is, when that has not been said for a while; `done` taxpayers since this run began."""
        now = self._clock()
        if now - self._said < self.interval:
            return
        self._said = now
        text = self._text(offset, done, now - self._begun)
        if not self._terminal:
            self._write(f"{text}\n")
            return
        text = text[: self._room()]
        self._write(f"\r{text:<{self._width}}")
        self._width = len(text)

    def end(self) -> None:
        """Leave the line."""
        if self._width:
            self._write("\r" + " " * self._width + "\r")

    def _text(self, offset: int, done: int, seconds: float) -> str:
        text = f"{done} taxpayers, {done / seconds:.0f}/s"
        if self._size is None or offset <= self._first:
            return text
        left = seconds * (self._size - offset) / (offset - self._first)
        return f"{text}, {100 * offset // self._size} % of the file, {left:.0f} s left"

    def _room(self) -> int | None:
        """How many characters one line of the terminal has, as wide as it is now; None where it does not say."""
        try:
            columns = os.get_terminal_size(self._stream.fileno()).columns
        except OSError:  # closed meanwhile
            return None
        return columns - 1 if columns else None

    def _write(self, text: str) -> None:
        with suppress(OSError):  # a closed terminal stops nothing
            self._stream.write(text)
            self._stream.flush()
