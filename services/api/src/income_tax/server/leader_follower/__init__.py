"""A gunicorn worker whose threads wait for requests in turn (leader/followers); README.md explains it."""
