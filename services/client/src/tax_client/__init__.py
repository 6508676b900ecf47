"""A client of the tax service. It calculates the taxes of the households in a file, and load-tests the API."""

__version__ = "8.0.0"
