"""Gunicorn's settings for a baseline under the service's own worker: what server.py sets of what costs time."""

from income_tax import whole_response

whole_response.install()
worker_class = "income_tax.worker.Worker"
preload_app = True
