"""Gunicorn configuration that runs a baseline under the service's worker.

It also contains the service's settings that affect speed.
"""

from income_tax.server import single_write_response

single_write_response.install()
worker_class = "income_tax.server.leader_follower.worker.LeaderFollowerWorker"
preload_app = True
