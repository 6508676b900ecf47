"""What Locust does in `make bench-clients`: ask again and again, at its fastest, without looking at the answer."""

import os

from locust import FastHttpUser, constant, task


class Client(FastHttpUser):
    """A connection; it waits between two requests only where the start alone is measured."""

    wait_time = constant(float(os.environ.get("BENCH_WAIT", "0")))

    @task
    def ask(self) -> None:
        """One request."""
        self.client.get(os.environ["BENCH_TARGET"])
