"""French income tax over HTTP."""

__version__ = "8.0.0"
