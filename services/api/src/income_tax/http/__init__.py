"""The HTTP API and the HTML pages."""
