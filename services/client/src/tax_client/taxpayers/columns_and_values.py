"""The columns of a taxpayers file, and the taxpayers that its lines describe."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from tax_common.tables.household_columns import HOUSEHOLD, ID, YES_NO, Vocabulary

VOCABULARY = Vocabulary((ID, *HOUSEHOLD))
FIELDS = VOCABULARY.required  # a file without a header has exactly these columns
OPTIONAL = frozenset(VOCABULARY.optional)
YEAR_MAX = VOCABULARY.by_name["year"].limit or 0
WORDS = {word.encode(): meaning for word, meaning in YES_NO.items()}


class Taxpayer(NamedTuple):
    """One household. `married` and `single_parent` are "yes" or "no"; salaries are in euros per year.

    An optional field is None if the line does not contain it. If `year` is None, the tutorial's rules (v7) apply.
    """

    id: int
    married: str
    children: int
    salary: int
    year: int | None = None
    single_parent: str | None = None
    spouse_salary: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return a dictionary of the fields that are not None, beginning with the id."""
        return {name: value for name, value in self._asdict().items() if value is not None}


COLUMNS = Taxpayer._fields


def build_taxpayer(values: Mapping[str, Any], year: int | None) -> Taxpayer:
    """Build a taxpayer from parsed values. `year` applies if the values contain no year."""
    return Taxpayer(**{"year": year, **values})


def build_plain_taxpayer(cells: tuple[bytes, ...], year: int | None) -> Taxpayer:
    """Build a taxpayer from the cells of a line that a fast pattern matches. `year` applies if the line has no year."""
    number, married, children, salary, own_year, single_parent, spouse_salary = cells
    return Taxpayer(
        int(number),
        WORDS[married],
        int(children),
        int(salary),
        int(own_year) if own_year else year,
        WORDS[single_parent] if single_parent else None,
        int(spouse_salary) if spouse_salary else None,
    )
