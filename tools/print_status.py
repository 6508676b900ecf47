"""Print the status of the service. The script runs in a container of the API.

Standard input contains credentials in the form `login:password`. The exit code is 1 if the status contains a problem.
"""

import json
import sys
from base64 import b64encode
from http.client import HTTPConnection
from typing import Any

API = ("127.0.0.1", 8000)
MAILS = {"pending": "pending", "sent": "sent", "dead": "refused"}


def fetch_status(credentials: str) -> dict[str, Any]:
    """Return the status as the API returns it. End the program if the API rejects the credentials."""
    connection = HTTPConnection(*API, timeout=30)
    login = "Basic " + b64encode(credentials.encode()).decode()
    try:
        connection.request("GET", "/status", headers={"Accept": "application/json", "Authorization": login})
        response = connection.getresponse()
    except OSError as error:
        sys.exit(f"the API does not answer: {error.strerror or error}; run make logs SERVICE=api")
    body = json.load(response)["response"]
    if response.status != 200:
        sys.exit(f"the API returned status {response.status}: {'; '.join(body['errors'])}")
    status: dict[str, Any] = body["status"]
    return status


def format_latency(seconds: float | None) -> str:
    """Format a latency in milliseconds."""
    return "-" if seconds is None else f"{seconds * 1000:.1f} ms"


def count_mails(count: int | None) -> str:
    """Format a number of mails. It is unknown if the spool cannot be read."""
    return "?" if count is None else str(count)


def format_window(window: dict[str, Any]) -> str:
    """Format the responses of a time window as one line of the table."""
    latencies = [format_latency(window["api_latency_seconds"][name]) for name in ("p50", "p95", "p99")]
    counts = [window["requests"], window["statuses"]["4xx"], window["statuses"]["5xx"]]
    cells = [f"{window['minutes']} min", *map(str, counts), f"{window['requests_per_second']:.1f}", *latencies]
    return "".join(cell.rjust(10) for cell in cells)


def format_status(status: dict[str, Any]) -> str:
    """Format the status as text."""
    replicas, mails, disk = status["replicas"], status["alert_mails"], status["log_volume"]
    free = "unknown" if disk["free_bytes"] is None else f"{disk['free_bytes'] / 2**30:.1f} GiB free"
    heads = ("last", "requests", "4xx", "5xx", "per s", "API p50", "API p95", "API p99")
    return "\n".join(
        [
            "Not all is well:" if status["problems"] else "All is well",
            *(f"  - {problem}" for problem in status["problems"]),
            f"time: {status['time']}",
            f"version: {status['version']}, schedules: {status['schedules']['version']}",
            f"replicas: {replicas['running']} of {replicas['expected'] or '?'}, workers: {len(status['workers'])}",
            "alert messages: " + ", ".join(f"{count_mails(mails[key])} {name}" for key, name in MAILS.items()),
            f"volume of the logs: {free}",
            "",
            "".join(head.rjust(10) for head in heads),
            *map(format_window, status["windows"]),
        ]
    )


if __name__ == "__main__":
    found = fetch_status(sys.stdin.read().strip())
    print(format_status(found))
    sys.exit(1 if found["problems"] else 0)
