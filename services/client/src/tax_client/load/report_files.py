"""The reports of a run as files: drafts beside their places from the beginning, put there when they are whole."""

import os
from argparse import Namespace
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from tax_client.errors import UserError, build_file_error, check_distinct_paths

from .report.page import page
from .report_writer import json_of
from .run import Run

Form = Callable[[Run], bytes]
REMEDY = "give a place that can be written with --json and --html"


class Drafts:
    """The reports that the options ask for, each a draft that is gone when the context ends.

    Raises UserError when a place cannot be written, or is one of the `others`: before there is anything to lose.
    """

    def __init__(self, options: Namespace, others: Iterable[Path | None]) -> None:
        forms: dict[Path | None, Form] = {options.json: json_of, options.html: lambda run: page(run).encode()}
        self._forms = {path: form for path, form in forms.items() if path}
        check_distinct_paths(path for path in (*others, options.json, options.html) if path)

    def __enter__(self) -> Self:
        for path in self._forms:
            try:
                if path.exists() and not path.is_file():
                    raise UserError(f"report [{path}]: expected a plain file: {REMEDY}")
                draft_of(path).touch()
            except OSError as error:
                self._clear()
                raise build_file_error("report", path, error, REMEDY) from None
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _t: TracebackType | None
    ) -> None:
        self._clear()

    def publish(self, run: Run) -> tuple[list[Path], list[str]]:
        """Write each and put it in its place: those that are there now, and what went wrong with the others."""
        written, troubles = list[Path](), list[str]()
        for path, form in self._forms.items():
            try:
                draft_of(path).write_bytes(form(run))
                draft_of(path).replace(path.resolve())  # through links: the file is replaced, not a link to it
                written.append(path)
            except OSError as error:
                troubles.append(str(build_file_error("report", path, error, REMEDY)))
        return written, troubles

    def _clear(self) -> None:
        for path in self._forms:
            with suppress(OSError):
                draft_of(path).unlink(missing_ok=True)


def draft_of(path: Path) -> Path:
    """Where this process writes a report."""
    place = path.resolve()
    return place.with_name(f"{place.name}.{os.getpid()}.part")
