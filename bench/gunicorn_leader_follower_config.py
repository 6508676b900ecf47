"""Gunicorn configuration that runs a baseline under the service's worker.

The configuration also contains those settings of the service that affect speed.
"""

from income_tax.server import single_write_response

single_write_response.install()
worker_class = "income_tax.server.leader_follower.worker.LeaderFollowerWorker"
preload_app = True
