"""Measure whether the latency of a 401 reveals which login names exist.

The benchmark sends wrong passwords for a known and an unknown login name, in random order on one connection.
The verdict compares the median latencies of the same round.
"""

import base64
import random
import statistics
import sys
import tempfile
import time
from http.client import HTTPConnection
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from bench import result_files as f  # noqa: E402
from income_tax.storage.login_failure_store import LoginFailureStore  # noqa: E402
from tests.support.service import running_service  # noqa: E402

ROUNDS, PAIRS = f.rounds(9), 20
KNOWN, UNKNOWN = "client", "nobody"
TARGET = "/?married=yes&children=3&salary=200000"


def refusal(connection: HTTPConnection, login: str) -> float:
    """Send a wrong password and return the latency of the 401 in milliseconds."""
    basic = base64.b64encode(f"{login}:guess{random.random()}".encode()).decode()
    begun = time.perf_counter()
    connection.request("GET", TARGET, headers={"Authorization": f"Basic {basic}"})
    answer = connection.getresponse()
    answer.read()
    if answer.status != 401:
        sys.exit(f"GET {TARGET} returned status {answer.status}; expected 401")
    return (time.perf_counter() - begun) * 1000


def round_of(connection: HTTPConnection, failures: LoginFailureStore) -> tuple[float, float]:
    """Measure one round. Return the median latency of the known and of the unknown login name."""
    times: dict[str, list[float]] = {KNOWN: [], UNKNOWN: []}
    for _ in range(PAIRS):
        for login in random.sample(list(times), 2):
            failures.clear(login, "127.0.0.1")  # avoids throttling, which would return a 429
            times[login].append(refusal(connection, login))
    return statistics.median(times[KNOWN]), statistics.median(times[UNKNOWN])


def main() -> None:
    """Measure the latencies, save the measurements, and write the table to bench/README.md."""
    with tempfile.TemporaryDirectory() as folder, running_service(Path(folder), WORKERS="1") as service:
        connection = HTTPConnection("127.0.0.1", service.port, timeout=30)
        failures = LoginFailureStore(Path(folder) / "state/logins/failures.sqlite")
        rounds = [round_of(connection, failures) for _ in range(ROUNDS)]
        connection.close()
    known, unknown = ([one[column] for one in rounds] for column in (0, 1))
    f.save("logins", {"milliseconds": {"known": known, "unknown": unknown}})
    rows = [
        (name, f.spread(milliseconds, ".1f"), f.spread(f.ratios(milliseconds, unknown), ".3f"))
        for name, milliseconds in (("known", known), ("unknown", unknown))
    ]
    f.put("logins", f.table(("login name", "latency of a 401 in ms", "latency / latency of an unknown name"), rows))


if __name__ == "__main__":
    main()
