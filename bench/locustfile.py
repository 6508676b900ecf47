"""Locust user of `make bench-clients`. It repeats a GET without pauses and does not check the responses."""

import os

from locust import FastHttpUser, constant, task


class Client(FastHttpUser):
    """A user with one connection. BENCH_WAIT sets the seconds of the pause after each request.

    With a long pause, a run measures only the start of Locust.
    """

    wait_time = constant(float(os.environ.get("BENCH_WAIT", "0")))

    @task
    def ask(self) -> None:
        """Send one request."""
        self.client.get(os.environ["BENCH_TARGET"])
