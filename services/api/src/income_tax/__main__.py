"""Entry point of `python -m income_tax`, which runs the command `income-tax`."""

from .cli import main

main()
