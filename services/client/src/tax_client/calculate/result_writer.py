"""The writer of the results file and the errors file. The writer also saves checkpoints and publishes both files."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path

from tax_client.user_errors import UserError

from .batches import Batch, Problem, UnreadLines
from .checkpoint import SAVE_INTERVAL, Checkpoint, locate_checkpoint
from .output_draft import OutputFile, remove_file
from .progress_and_summary import Summary
from .result_formats import ResultFormat

LISTED_MAX = 1000  # after an interruption, the errors file lists at most this number of unread lines one by one


class ResultWriter:
    """Writes the outcomes of batches in order. The run continues after the checkpoint `begun`.

    If `resumable` is true, the writer keeps a checkpoint in the directory of the results file. The writer calls
    `choose_format` after the first line of the input is read, because this line can determine the format. All
    methods raise UserError if a file cannot be written.
    """

    def __init__(
        self,
        results: OutputFile,
        errors: OutputFile,
        begun: Checkpoint,
        resumable: bool,
        choose_format: Callable[[], ResultFormat],
    ) -> None:
        self._results, self._errors = results, errors
        self._checkpoint, self._place = begun, locate_checkpoint(results.path) if resumable else None
        self._saved_at = time.monotonic()
        self._choose_format, self._format = choose_format, choose_format() if begun.results.size else None
        self.position = begun.position
        self.summary = Summary(begun.counts)

    def write(self, batch: Batch) -> None:
        """Write and count the outcomes of a batch."""
        rows, problems = batch.collect()
        head, result_format = self._begin_format()
        self._results.write(head + result_format.encode_rows(rows, self.summary.counts.calculated))
        self._errors.write(b"".join(map(encode_problem, problems)))
        self.summary.add(rows, problems)
        self.position = batch.end

    def write_unread(self, batches: Iterator[Batch], *, one_by_one: bool) -> None:
        """Write the errors for the unread lines.

        If `one_by_one` is true, write an error for each of the first 1,000 unread lines, and one error for all later
        lines. Otherwise, write one error for all unread lines.
        """
        last = self.position.line + LISTED_MAX if one_by_one else 0
        while self.position.line < last:
            batch = next(batches, None)
            if batch is None:
                return
            self.write(batch)
        self._errors.write(encode_problem(UnreadLines(self.position.line + 1)))

    def save(self, *, now: bool = False) -> None:
        """Write a checkpoint if `now` is true, or if the last checkpoint is older than SAVE_INTERVAL."""
        if self._place and (now or time.monotonic() - self._saved_at >= SAVE_INTERVAL):
            prefixes = self._results.save(), self._errors.save()
            self._checkpoint = Checkpoint(self._checkpoint.run, self.position, *prefixes, self.summary.counts)
            self._checkpoint.write(self._place)
            self._results.keep_draft = self._errors.keep_draft = True
            self._saved_at = time.monotonic()

    def publish(self, *, whole: bool) -> list[UserError]:
        """Publish both files, and return the errors. If publishing fails for one file, publish the other file anyway.

        `whole` is True if the run has processed the whole input. In this case, remove the checkpoint after both files
        are published. Otherwise, record in the checkpoint that the files are published.
        """
        head, result_format = self._begin_format()
        self._results.write(head + result_format.encode_tail(self.summary.counts.calculated))
        if self._place and (not whole or self._checkpoint.position.offset):
            self._save_published(self._place)
        steps: list[Callable[[], None]] = [self._results.publish, self._errors.publish]
        errors = [error for step in steps if (error := catch_user_error(step))]
        if whole and not errors and (error := catch_user_error(self._remove_checkpoint)):
            errors.append(error)
        return errors

    def publish_errors(self) -> None:
        """Publish the errors file, and remove the checkpoint. The results file of a previous run stays unchanged."""
        self._errors.publish()
        self._results.keep_draft = False
        self._remove_checkpoint()

    def _save_published(self, place: Path) -> None:
        """Record the sizes of the published files in the checkpoint. Keep the saved position and the saved prefixes."""
        saved = self._checkpoint
        results = replace(saved.results, published=self._results.save().size)
        errors = replace(saved.errors, published=self._errors.save().size)
        replace(saved, results=results, errors=errors).write(place)

    def _remove_checkpoint(self) -> None:
        if self._place:
            remove_file("checkpoint", self._place)

    def _begin_format(self) -> tuple[bytes, ResultFormat]:
        """Return the head and the format of the results file. The head is empty if it was already written."""
        if self._format:
            return b"", self._format
        self._format = self._choose_format()
        return self._format.encode_head(), self._format


def catch_user_error(step: Callable[[], None]) -> UserError | None:
    """Run a step. Return its UserError, or None if the step succeeds."""
    try:
        step()
    except UserError as error:
        return error
    return None


def encode_problem(problem: Problem) -> bytes:
    """Encode a problem as a line of the errors file. Use ASCII, so that no character of a text can end the line."""
    return json.dumps(asdict(problem)).encode() + b"\n"
