"""The report files of a run. Drafts exist before the run. An atomic replace turns each draft into a report."""

import os
from argparse import Namespace
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import orjson

from tax_client.user_errors import UserError, build_file_error, check_distinct_paths

from .html_report.page import build_page
from .report_json import Fields, parse_run, write_json
from .run_results import Run

REMEDY = "use --json and --html to name writable files"
READ_REMEDY = "give a file that `tax-client flood --json` wrote"


class ReportFiles:
    """Writes the reports of a run to the paths in the options. On exit, the context manager removes remaining drafts.

    Raises UserError before the run if a report is not writable, or if two paths of reports and `others` are equal.
    """

    def __init__(self, options: Namespace, others: Iterable[Path | None]) -> None:
        formats: dict[Path | None, Callable[[Run], bytes]] = {
            options.json: write_json,
            options.html: lambda run: build_page(run).encode(),
        }
        self._formats = {path: serialize for path, serialize in formats.items() if path}
        check_distinct_paths(path for path in (*others, options.json, options.html) if path)

    def __enter__(self) -> Self:
        for path in self._formats:
            try:
                if path.exists() and not path.is_file():
                    raise UserError(f"report [{path}]: expected a regular file: {REMEDY}")
                build_draft_path(path).touch()
            except OSError as error:
                self._remove_drafts()
                raise build_file_error("report", path, error, REMEDY) from None
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _t: TracebackType | None
    ) -> None:
        self._remove_drafts()

    def write(self, run: Run) -> tuple[list[Path], list[str]]:
        """Write each report atomically. Return the paths of the written reports and the errors of the other reports."""
        written, errors = list[Path](), list[str]()
        for path, serialize in self._formats.items():
            try:
                build_draft_path(path).write_bytes(serialize(run))
                build_draft_path(path).replace(path.resolve())  # keeps a symbolic link, and replaces its target
                written.append(path)
            except OSError as error:
                errors.append(str(build_file_error("report", path, error, REMEDY)))
        return written, errors

    def _remove_drafts(self) -> None:
        for path in self._formats:
            with suppress(OSError):
                build_draft_path(path).unlink(missing_ok=True)


def build_draft_path(path: Path) -> Path:
    """Return the path of this process's draft of a report. The draft is in the same folder as the report."""
    place = path.resolve()
    return place.with_name(f"{place.name}.{os.getpid()}.part")


def read_report(path: Path) -> Run:
    """Read a run from its JSON report. Raises UserError if the file is unreadable or contains a bad value."""
    try:
        return parse_run(Fields(orjson.loads(path.read_bytes())))
    except OSError as error:
        raise build_file_error("report", path, error, READ_REMEDY) from None
    except ValueError as error:
        raise UserError(f"report [{path}]: expected a flood's report in JSON ({error}): {READ_REMEDY}") from None
