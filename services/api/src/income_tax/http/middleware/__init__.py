"""The request log and the WSGI middleware."""
