"""The first line of a taxpayers file, when it names the columns."""

from collections.abc import Sequence

from tax_client.errors import UserError

from .cells import cut
from .line_format import ALIASES, BLANKS, COLUMNS, FIELDS, Layout, composed

SEPARATORS = (",", ";", "\t")


def header_of(line: bytes, year: int | None) -> Layout | None:
    """The layout that a file's first line names; None when it is no header. Raises UserError when it is a wrong one."""
    text = composed(line.decode(errors="replace").lower())
    for separator in SEPARATORS:
        names = [name.strip(BLANKS).strip('"') for name in text.split(separator)]
        columns = [ALIASES.get(name, name) for name in names]
        if any(name in COLUMNS for name in columns) and not any(name.isdigit() for name in names):
            check_header(columns, "" if "\ufffd" not in text else ": save the file as UTF-8")
            return Layout(tuple(columns), separator, year, quoted=True)
    return None


def check_header(columns: Sequence[str], advice: str = "") -> None:
    """Raises UserError, which ends with an advice, when columns are unknown, twice or missing."""
    problems = {
        "unknown": [name for name in columns if name not in COLUMNS],
        "twice": sorted({name for name in columns if columns.count(name) > 1}),
        "missing": [name for name in FIELDS if name not in columns],
    }
    for what, names in problems.items():
        if names:
            found = " ".join(f"[{cut(name)}]" for name in names)
            known = f"{','.join(FIELDS)} and, where wanted, {','.join(COLUMNS[len(FIELDS) :])}"
            raise UserError(f"taxpayers file: its first line names columns: {what} {found}: expected {known}{advice}")
