"""WSGI middleware: request log, fast path, metrics, drained bodies, trusted proxy."""
