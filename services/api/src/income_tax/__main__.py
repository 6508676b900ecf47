"""Runs `python -m income_tax`, the same as `income-tax`."""

from .cli import main

main()
