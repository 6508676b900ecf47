"""French income tax API."""

__version__ = "8.0.0"
