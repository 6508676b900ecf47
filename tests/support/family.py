"""The household that the tests of the pages enter."""

from decimal import ROUND_HALF_UP, Decimal

FAMILY = {"year": 2024, "married": "yes", "single_parent": "no", "children": 2, "salary": 50000, "spouse_salary": 20000}
QUERY = "&".join(f"{name}={value}" for name, value in FAMILY.items())
SIMULATOR = f"/simulator#{QUERY}"


def in_percent(share: float) -> str:
    """A rate as the English page writes it: a half of its last digit is rounded up."""
    rounded = (100 * Decimal(str(share))).quantize(Decimal("0.1"), ROUND_HALF_UP)
    return str(rounded).removesuffix(".0") + "%"


def in_euros(amount: int) -> str:
    """An amount as the English page writes it."""
    return f"€{amount:,}"
