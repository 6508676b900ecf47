"""The two files of a calculation as they grow, group by group, and how far they have come."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from tax_client.errors import UserError
from tax_client.taxpayers.reader import BadLine

from .atomic_output import OutputFile, error_line, remove
from .batches import Failure, Group, Unread
from .checkpoint import Checkpoint, place_of
from .formats import Form, Row
from .summary import Summary

LISTED = 1000  # lines after an interruption that the errors file has one by one
SAVED_EVERY = 1.0  # seconds between two checkpoints: what a kill makes a resumed run do again


class Ledger:
    """Writes the outcomes of groups, in their order, after those of `begun`.

    `resumable`: whether to keep a checkpoint beside the results. `form` is asked once the first line is read. Its
    methods raise UserError when a file cannot be written.
    """

    def __init__(
        self, results: OutputFile, errors: OutputFile, begun: Checkpoint, resumable: bool, form: Callable[[], Form]
    ) -> None:
        self._results, self._errors = results, errors
        self._saved, self._place = begun, place_of(results.path) if resumable else None
        self._saved_at = time.monotonic()
        self._form_of, self._form = form, form() if begun.results.size else None
        self.position = begun.position
        self.summary = Summary(begun.counts)

    def write(self, group: Group) -> None:
        """Write what became of a group."""
        rows: list[Row] = []
        failures: list[Failure] = []
        bad_lines: list[BadLine] = []
        problems: list[bytes] = []
        for outcome in group.results():
            if isinstance(outcome, tuple):
                rows.append(outcome)
                continue
            problems.append(error_line(outcome))
            if isinstance(outcome, BadLine):
                bad_lines.append(outcome)
            else:
                failures.append(outcome)
        self._results.write(self._formed().rows(rows, self.summary.counts.calculated))
        self._errors.write(b"".join(problems))
        self.summary.add(rows, failures, bad_lines)
        self.position = group.end

    def leave(self, groups: Iterator[Group], *, one_by_one: bool) -> None:
        """Write that all further lines were interrupted: the next ones `one_by_one`, those after them as one."""
        last = self.position.line + LISTED if one_by_one else 0
        while self.position.line < last:
            group = next(groups, None)
            if group is None:
                return
            self.write(group)
        self._errors.write(error_line(Unread(self.position.line + 1)))

    def save(self, *, now: bool = False) -> None:
        """Note how far it is, on the disk, when that has not been done for a while."""
        if self._place and (now or time.monotonic() - self._saved_at >= SAVED_EVERY):
            kept = self._results.saved(), self._errors.saved()
            self._saved = Checkpoint(self._saved.run, self.position, *kept, self.summary.counts)
            self._saved.write(self._place)
            self._results.keep = self._errors.keep = True
            self._saved_at = time.monotonic()

    def publish(self, *, whole: bool) -> list[UserError]:
        """Put both files in their places, whatever happens to the other; the errors. `whole`: there is no more."""
        self._results.write(self._formed().tail(self.summary.counts.calculated))
        if self._place and (not whole or self._saved.position.offset):
            self._note_published(self._place)
        troubles = []
        for file in (self._results, self._errors):
            try:
                file.publish()
            except UserError as error:
                troubles.append(error)
        if whole and not troubles:
            try:
                self._forget()
            except UserError as error:
                troubles.append(error)
        return troubles

    def publish_errors(self) -> None:
        """Put the errors file in its place; the results file stays as it was."""
        self._errors.publish()
        self._results.keep = False
        self._forget()

    def _note_published(self, place: Path) -> None:
        """From now on the files may be found in their places; what was saved before is what can be gone on with."""
        saved = self._saved
        results = replace(saved.results, published=self._results.saved().size)
        errors = replace(saved.errors, published=self._errors.saved().size)
        replace(saved, results=results, errors=errors).write(place)

    def _forget(self) -> None:
        if self._place:
            remove("checkpoint", self._place)

    def _formed(self) -> Form:
        """The form of the results, which the first line of the input decides."""
        if self._form is None:
            self._form = self._form_of()
            self._results.write(self._form.head())
        return self._form
