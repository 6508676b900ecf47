"""Request log, and WSGI middleware: fast path, metrics, body drain, trusted proxy."""
