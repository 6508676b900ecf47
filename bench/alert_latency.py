"""Measure the latency of failed requests, and the delay of the first alert e-mail.

The latency must not depend on the mail server. Each round measures three cases: the mail server works, hangs, or does
not run. The verdict divides the median latency with a hanging server by the median with a working server.
"""

import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from http.client import HTTPConnection
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from bench import result_files as f  # noqa: E402
from tests.support.service import Service, prepare, service_with  # noqa: E402
from tests.support.smtp import FaultySmtp  # noqa: E402
from tests.support.waiting import free_port  # noqa: E402

ROUNDS, REQUESTS = f.rounds(9), 200
SETTINGS = {"DRILL_ROUTE": "on", "SMTP_TIMEOUT": "300", "LOG_LEVEL": "error"}


def failures(service: Service) -> float:
    """Send requests that fail, and return their median latency in milliseconds."""
    connection = HTTPConnection("127.0.0.1", service.port, timeout=60)
    times = []
    for _ in range(REQUESTS):
        begun = time.perf_counter()
        connection.request("GET", "/drill", headers={"Authorization": service.authorization})
        answer = connection.getresponse()
        answer.read()
        times.append((time.perf_counter() - begun) * 1000)
        if answer.status != 500:
            sys.exit(f"GET /drill returned status {answer.status}; expected 500")
    connection.close()
    return statistics.median(times)


def until_mailed(smtp: FaultySmtp) -> float:
    """Start a service, send a request that fails, and return the seconds until the alert e-mail arrives."""
    with tempfile.TemporaryDirectory() as folder:
        prepare(Path(folder))
        with service_with(Path(folder), smtp.port, **SETTINGS) as service:
            begun = time.perf_counter()
            service.get("/drill")
            smtp.next()
            return time.perf_counter() - begun


def main() -> None:
    """Measure all latencies, save the measurements, and write the table to bench/README.md."""
    with ExitStack() as opened:
        working, hanging = opened.enter_context(FaultySmtp("")), opened.enter_context(FaultySmtp("hang"))
        ports = {"works": working.port, "hangs": hanging.port, "does not run": free_port()}
        mailed = [until_mailed(working) for _ in range(f.rounds(5))]
        services = {}
        for name, port in ports.items():
            folder = Path(opened.enter_context(tempfile.TemporaryDirectory()))
            prepare(folder)
            services[name] = opened.enter_context(service_with(folder, port, **SETTINGS))
        found = f.in_rounds(ROUNDS, lambda: {name: failures(service) for name, service in services.items()})
        for service in services.values():
            service.kill()  # after SIGTERM, the service would wait for the hanging mail server
    rows = [
        (name, f.spread(milliseconds, ".2f"), f.spread(f.ratios(milliseconds, found["works"]), ".2f"))
        for name, milliseconds in found.items()
    ]
    f.save("alerts", {"milliseconds": found, "seconds until the first mail": mailed})
    table = f.table(("mail server", "latency of a 500 in ms", "latency / latency with a working server"), rows)
    f.put("alerts", f"{table}\n\nThe first alert e-mail arrives {f.spread(mailed, '.2f')} s after the failed request.")


if __name__ == "__main__":
    main()
