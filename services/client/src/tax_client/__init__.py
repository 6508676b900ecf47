"""A client of the tax service: calculates taxpayers files with threads, and floods the API."""

__version__ = "8.0.0"
