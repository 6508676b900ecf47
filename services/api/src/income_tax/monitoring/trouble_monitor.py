"""Monitors of the parts that can fail while the service still answers, and the thread that runs their checks."""

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

INTERVAL = 2.0  # seconds between two rounds of checks
ERROR_MAX = 500  # maximum characters of an error of nginx that are reported


class TroubleMonitor:
    """Reports when a part fails and when it works again.

    `find_trouble` returns the reason of the failure, or None if the part works. `on_trouble` receives each new reason.
    `on_recovery` is called when the part works again. It is also called after the first check without a failure,
    because the part might have failed before the start.
    """

    def __init__(
        self,
        find_trouble: Callable[[], str | None],
        on_trouble: Callable[[str], object],
        on_recovery: Callable[[], object],
    ) -> None:
        self._find_trouble = find_trouble
        self._on_trouble, self._on_recovery = on_trouble, on_recovery
        self._is_working = False
        self.trouble: str | None = None  # the reason of the failure, or None if the part works

    def check(self) -> None:
        """Check the part, and report a change."""
        former, self.trouble = self.trouble, self._find_trouble()
        was_working, self._is_working = self._is_working, self.trouble is None
        if self.trouble and self.trouble != former:
            self._on_trouble(self.trouble)
        elif self._is_working and not was_working:
            self._on_recovery()


class PeriodicChecks:
    """Runs checks at intervals in a thread. Each process has one such thread."""

    def __init__(self, checks: Sequence[Callable[[], object]], pause: Callable[[float], object] = time.sleep) -> None:
        self._checks, self._pause = checks, pause

    def start(self) -> None:
        """Start the thread. Call this method after the fork, because threads do not survive a fork."""
        threading.Thread(target=self._run, name="checks", daemon=True).start()

    def _run(self) -> None:
        while True:
            for check in self._checks:
                check()
            self._pause(INTERVAL)


def read_proxy_trouble(file: Path | None) -> str | None:
    """Return the error that nginx's health check recorded. Return None if there is no error or no file."""
    try:
        text = file.read_text(encoding="utf-8", errors="replace") if file else ""
    except OSError:
        return None
    error = next((line for line in text.splitlines() if "[emerg]" in line), "")[:ERROR_MAX]
    return f"nginx could not start again: correct secrets/tls, then run make up: {error}" if error else None


def read_certificate_end(file: Path | None) -> float | None:
    """Return the Unix timestamp that nginx's health check recorded. Return None if there is no timestamp or no file."""
    try:
        return float(file.read_text(encoding="ascii")) if file else None
    except (OSError, ValueError):
        return None
