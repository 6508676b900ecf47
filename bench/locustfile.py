"""Locust user for `make bench-clients`: repeat a GET without pauses, and check no response."""

import os

from locust import FastHttpUser, constant, task


class Client(FastHttpUser):
    """A user with one connection. BENCH_WAIT sets a pause after each request when only the start is measured."""

    wait_time = constant(float(os.environ.get("BENCH_WAIT", "0")))

    @task
    def ask(self) -> None:
        """Send one request."""
        self.client.get(os.environ["BENCH_TARGET"])
