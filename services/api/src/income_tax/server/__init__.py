"""The gunicorn server around the application."""
