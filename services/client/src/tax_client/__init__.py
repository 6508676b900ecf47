"""A client of the tax service, which calculates the tax of taxpayers files and load-tests the API."""

__version__ = "8.0.0"
