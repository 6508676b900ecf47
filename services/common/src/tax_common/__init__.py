"""Code that the API and its client share."""

__version__ = "8.0.0"
