"""Parsers of request bodies and query strings."""
