"""The database monitor. No request uses the database, so only the monitor detects a failure before the next reload."""

import threading
import time
from collections.abc import Callable

from sqlalchemy import Engine, text

from income_tax.storage.database_connection import describe_error

INTERVAL = 10.0  # seconds between two queries


class DatabaseMonitor:
    """A monitor whose thread queries the database at intervals. Each process has one monitor.

    `on_loss` receives the reason when the database stops answering. `on_answer` is called when the database answers
    again. `on_answer` is also called after the first successful query, because the service might have started while the
    database was not answering.
    """

    def __init__(
        self, engine: Engine, interval: float, on_loss: Callable[[str], object], on_answer: Callable[[], object]
    ) -> None:
        self._engine, self._interval = engine, interval
        self._on_loss, self._on_answer = on_loss, on_answer
        self._is_answering = False
        self.trouble: str | None = None  # the reason why the database does not answer, or None if it answers

    def start(self) -> None:
        """Start the thread. Call this method after the fork, because threads do not survive a fork."""
        threading.Thread(target=self._run, name="database monitor", daemon=True).start()

    def check(self) -> None:
        """Query the database. Retry a failed query once, because a suspension of the machine can cause a timeout."""
        error = self._query() and self._query()
        if error:
            is_first, self.trouble = self.trouble is None, f"the database does not answer: {error}"
            self._is_answering = False
            if is_first:
                self._on_loss(self.trouble)
        else:
            is_first, self._is_answering, self.trouble = not self._is_answering, True, None
            if is_first:
                self._on_answer()

    def _query(self) -> str:
        """Return the error of a query, or an empty string if the query succeeds."""
        try:
            with self._engine.connect() as connection:
                connection.execute(text("SELECT 1"))
        except Exception as error:  # all types, because drivers raise many types after a malformed response
            return describe_error(error) or type(error).__name__
        return ""

    def _run(self) -> None:
        while True:
            self.check()
            time.sleep(self._interval)
