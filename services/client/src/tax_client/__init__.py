"""A client of the tax service: it calculates taxpayers files and load-tests the API."""

__version__ = "8.0.0"
