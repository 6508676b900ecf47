"""The writer of a calculation: it appends the outcomes of batches to two files, saves checkpoints, publishes both."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path

from tax_client.errors import UserError

from .batches import Batch, Problem, UnreadLines
from .checkpoint import Checkpoint, locate_checkpoint
from .display import Summary
from .output_file import OutputFile, remove_file
from .result_formats import ResultFormat

LISTED_MAX = 1000  # lines after an interruption that the errors file lists one by one
SAVE_INTERVAL = 1.0  # seconds between two checkpoints; a resumed run repeats the work after the last one


class ResultWriter:
    """Writes the outcomes of batches, in their order, after those of the checkpoint `begun`.

    A `resumable` run keeps a checkpoint beside its results. The writer calls `choose_format` after the first line is
    read. Its methods raise UserError when a file cannot be written.
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
        """List all further lines as interrupted: the next ones `one_by_one`, the rest as one problem."""
        last = self.position.line + LISTED_MAX if one_by_one else 0
        while self.position.line < last:
            batch = next(batches, None)
            if batch is None:
                return
            self.write(batch)
        self._errors.write(encode_problem(UnreadLines(self.position.line + 1)))

    def save(self, *, now: bool = False) -> None:
        """Write a checkpoint, `now` or when the last one is old enough."""
        if self._place and (now or time.monotonic() - self._saved_at >= SAVE_INTERVAL):
            prefixes = self._results.save(), self._errors.save()
            self._checkpoint = Checkpoint(self._checkpoint.run, self.position, *prefixes, self.summary.counts)
            self._checkpoint.write(self._place)
            self._results.keep_draft = self._errors.keep_draft = True
            self._saved_at = time.monotonic()

    def publish(self, *, whole: bool) -> list[UserError]:
        """Publish both files, each even if the other fails, and return the errors.

        After the `whole` input the checkpoint is removed; otherwise it records that the files are published.
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
        """Publish the errors file alone; the results file of a previous run stays."""
        self._errors.publish()
        self._results.keep_draft = False
        self._remove_checkpoint()

    def _save_published(self, place: Path) -> None:
        """Record the sizes of the published files in the checkpoint, which keeps its prefixes."""
        saved = self._checkpoint
        results = replace(saved.results, published=self._results.save().size)
        errors = replace(saved.errors, published=self._errors.save().size)
        replace(saved, results=results, errors=errors).write(place)

    def _remove_checkpoint(self) -> None:
        if self._place:
            remove_file("checkpoint", self._place)

    def _begin_format(self) -> tuple[bytes, ResultFormat]:
        """Return the format of the results, and its head when the file is new."""
        if self._format:
            return b"", self._format
        self._format = self._choose_format()
        return self._format.encode_head(), self._format


def catch_user_error(step: Callable[[], None]) -> UserError | None:
    """Run a step and return its UserError."""
    try:
        step()
    except UserError as error:
        return error
    return None


def encode_problem(problem: Problem) -> bytes:
    """Encode a line of the errors file, in ASCII, so that no character of a text ends the line."""
    return json.dumps(asdict(problem)).encode() + b"\n"
