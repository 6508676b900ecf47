"""Gunicorn around the application."""
