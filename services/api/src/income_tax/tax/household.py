"""What a user declares."""

from dataclasses import dataclass

MAX_CHILDREN = 99
MAX_SALARY = 999_999_999  # euros a year


@dataclass(frozen=True, slots=True)
class Household:
    """One household with salaries only: whole euros a year, children under the parents' roof.

    Without an income year the rules `v7` hold, which know neither single parents nor a second salary.
    """

    married: bool
    children: int
    salary: int
    year: int | None = None
    single_parent: bool = False  # "parent isolé": alone with children
    spouse_salary: int = 0
