"""Fractions in generated code: what is known of them is calculated at once, the rest is code."""

from math import gcd
from typing import NamedTuple


class Ratio(NamedTuple):
    """A value in generated code: code or digits of a whole number, and its divisor, known or code as well."""

    number: str
    divisor: int | str


def times(code: str | int, factor: int | str) -> str:
    """Code of a product; numbers that are known are multiplied at once."""
    known = [int(part) for part in (str(code), str(factor)) if part.isdigit()]
    if len(known) == 2:
        return str(known[0] * known[1])
    if 0 in known:
        return "0"
    if 1 in known:
        return str(factor if str(code) == "1" else code)
    return f"({factor} * {code})"


def known(divisor: str) -> int | str:
    """The divisor as a number, where it is one."""
    return int(divisor) if divisor.isdigit() else divisor


def less(code: str, known_part: str) -> str:
    """Code of a difference."""
    return code if known_part == "0" else f"{code} - {known_part}"


def reduced(factor: str, value: Ratio, divisor: str) -> Ratio | None:
    """A known factor times a value, in lowest terms; None when factor or divisor is not known."""
    if not (factor.isdigit() and divisor.isdigit()):
        return None
    common = gcd(int(factor), int(divisor))
    return Ratio(times(value.number, int(factor) // common), int(divisor) // common)
