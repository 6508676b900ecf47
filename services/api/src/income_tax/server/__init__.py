"""The gunicorn server that runs the application."""
