"""A gunicorn worker that implements the leader/followers pattern. README.md describes the pattern."""
