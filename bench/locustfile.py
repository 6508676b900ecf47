"""Locust user of `make bench-clients`. It repeats a GET without pauses and does not check the responses."""

import os

from locust import FastHttpUser, constant, task


class Client(FastHttpUser):
    """A user with one connection. BENCH_WAIT is a pause in seconds after each request, to measure only the start."""

    wait_time = constant(float(os.environ.get("BENCH_WAIT", "0")))

    @task
    def ask(self) -> None:
        """Send one request."""
        self.client.get(os.environ["BENCH_TARGET"])
