"""What a cell of a taxpayers file may hold, and what it says."""

YES_NO = {"yes": "yes", "oui": "yes", "no": "no", "non": "no"}
ID_MAX, CHILDREN_MAX, SALARY_MAX, YEAR_MAX = 10**18 - 1, 99, 999_999_999, 9999  # the API's limits; an id has 64 bits
LIMITS = {"id": ID_MAX, "children": CHILDREN_MAX, "salary": SALARY_MAX, "year": YEAR_MAX, "spouse_salary": SALARY_MAX}
VALUE_SHOWN = 40  # characters


def read_yes_no(name: str, text: str, problems: list[str]) -> str:
    """Read yes or no; when it is neither, add the problem."""
    if text.lower() not in YES_NO:
        problems.append(f"field [{name}]: expected yes, no, oui or non, found [{cut(text)}]")
    return YES_NO.get(text.lower(), "")


def read_whole(name: str, text: str, problems: list[str]) -> int:
    """The integer of plain ASCII digits in a field; when it is not one, adds the problem and is 0."""
    limit, digits = LIMITS[name], text.lstrip("0") or text[-1:]
    # The length comes first: int() refuses thousands of digits.
    if text.isascii() and text.isdigit() and len(digits) <= len(str(limit)) and int(digits) <= limit:
        return int(digits)
    problems.append(f"field [{name}]: expected plain digits, a number from 0 to {limit}, found [{cut(text)}]")
    return 0


def cut(text: str, length: int = VALUE_SHOWN) -> str:
    """The text, or its beginning and how long it was."""
    return text if len(text) <= length else f"{text[:length]}... ({len(text)} characters)"
