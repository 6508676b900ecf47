"""Watches whether the database answers, although nobody needs it between two reloads: the operator should know."""

import threading
import time
from collections.abc import Callable

from sqlalchemy import Engine, text

from income_tax.storage.database import reason


class DatabaseWatch:
    """A thread a process that asks the database for a sign of life.

    `on_loss` is told why when it stops answering; `on_answer` nothing when it is back, and at the first look as well:
    who started without it does not know.
    """

    def __init__(
        self, engine: Engine, every: float, on_loss: Callable[[str], object], on_answer: Callable[[], object]
    ) -> None:
        self._engine, self._every = engine, every
        self._on_loss, self._on_answer = on_loss, on_answer
        self._answers = False
        self.trouble: str | None = None  # why it does not answer; None while it does

    def start(self) -> None:
        """Begin to watch; after the fork, which threads do not survive."""
        threading.Thread(target=self._run, name="database watch", daemon=True).start()

    def look(self) -> None:
        """Ask; once more where there is no answer, which may be the fault of a machine that stood still."""
        trouble = self._ask() and self._ask()
        if trouble:
            first, self.trouble = self.trouble is None, f"the database does not answer: {trouble}"
            self._answers = False
            if first:
                self._on_loss(self.trouble)
        else:
            first, self._answers, self.trouble = not self._answers, True, None
            if first:
                self._on_answer()

    def _ask(self) -> str:
        """Why the database does not answer, or nothing."""
        try:
            with self._engine.connect() as connection:
                connection.execute(text("SELECT 1"))
        except Exception as error:  # a driver raises what it likes on a server that talks nonsense
            return reason(error) or type(error).__name__
        return ""

    def _run(self) -> None:
        while True:
            self.look()
            time.sleep(self._every)
