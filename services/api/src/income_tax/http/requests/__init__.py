"""Parsing of request bodies and query strings."""
