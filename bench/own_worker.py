"""Gunicorn's settings for a baseline under the service's own worker: what server.py sets of what costs time."""

from income_tax.server import single_write_response

single_write_response.install()
worker_class = "income_tax.server.leader_follower.worker.LeaderFollowerWorker"
preload_app = True
