"""Helpers that run the client on large taxpayers files against the real service."""

import subprocess
import sys

from tests.integration.tax_client.conftest import Place
from tests.support.service import Service

LINES = 20_000


def get_url(service: Service) -> str:
    """Return the URL of the service."""
    return f"http://127.0.0.1:{service.port}"


def start(place: Place, service: Service, *more: str) -> subprocess.Popen[bytes]:
    """Start the command `calculate` in a separate process."""
    command = [sys.executable, "-m", "tax_client", *place.arguments("calculate", get_url(service), *more)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def read_outputs(place: Place, results: str = "results.json") -> list[bytes]:
    """Return the contents of both output files."""
    return [(place.folder / name).read_bytes() for name in (results, "errors.jsonl")]


def count_batches(place: Place) -> int:
    """Count the completed batches in the log."""
    log = place.folder / "client.log"
    return log.read_bytes().count(b"batch_end") if log.exists() else 0


def list_outputs(place: Place) -> set[str]:
    """Return the names of the files in the folder, except the input files and the log."""
    return {path.name for path in place.folder.iterdir()} - {"taxpayers.txt", "credentials", "client.log"}
