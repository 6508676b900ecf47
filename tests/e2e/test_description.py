"""Test that the stack's responses to requests from schemathesis conform to the OpenAPI description."""

import base64
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest

from tests.support.budget import budget
from tests.support.data import ROOT
from tests.support.pages import load
from tests.support.stack import Stack

SCHEMATHESIS = Path(sys.executable).with_name("st")
CONFIG = ROOT / "tests/support/schemathesis.toml"
EXAMPLES, SECONDS = budget(10, 25), 1800


class Exchange(NamedTuple):
    """A request from schemathesis, and the status of the response."""

    method: str
    path: str
    with_login: bool
    status: int


def exchanges(har: Path, credentials: str) -> list[Exchange]:
    """Return the exchanges in a report of schemathesis. `with_login` means that the credentials are correct."""
    login = "Basic " + base64.b64encode(credentials.encode()).decode()
    return [
        Exchange(
            entry["request"]["method"],
            urlsplit(entry["request"]["url"]).path,
            {"name": "Authorization", "value": login} in entry["request"]["headers"],
            entry["response"]["status"],
        )
        for entry in json.loads(har.read_text())["log"]["entries"]
    ]


def not_among(description: dict[str, Any], asked: list[Exchange]) -> list[str]:
    """Return the operations of the description that no request in `asked` used."""
    operations = [(method.upper(), path) for path, methods in description["paths"].items() for method in methods]

    def is_asked(method: str, path: str) -> bool:
        pattern = re.sub(r"{\w+}", "[^/]+", path)
        return any(method == one.method and re.fullmatch(pattern, one.path) for one in asked)

    return [f"{method} {path}" for method, path in operations if not is_asked(method, path)]


@pytest.mark.parametrize("login", [True, False], ids=["with credentials", "without credentials"])
def test_generated_requests(stack: Stack, tmp_path: Path, login: bool) -> None:
    """All responses to generated valid and invalid requests conform to the description.

    With credentials every operation succeeds at least once, and no request with the correct credentials gets a 401 or a
    429. Without credentials only the health checks succeed.
    """
    credentials, har = stack.credentials, tmp_path / "run.har"
    description = tmp_path / "openapi.json"
    description.write_text(load(stack.http_port, "/openapi.json", credentials).text)
    options = ["--max-examples", str(EXAMPLES), "--seed", "1", "--phases", "examples,coverage,fuzzing", "--no-color"]
    options += ["--report", "har", "--report-har-path", str(har), "--output-sanitize", "false"]
    run = subprocess.run(
        [str(SCHEMATHESIS), "--config-file", str(CONFIG), "run", str(description)]
        + ["--url", f"http://127.0.0.1:{stack.http_port}"]
        + options
        + (["--auth", credentials] if login else []),
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "NO_PROXY": "127.0.0.1", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    said = "\n".join(line[:300] for line in run.stdout.splitlines()) + run.stderr
    assert 0 == run.returncode, said
    tested = re.search(r"(\d+) generated, (\d+) passed", said)
    assert tested, said
    assert tested[1] == tested[2], said
    assert int(tested[1]) > 500, said
    asked = exchanges(har, credentials)
    good = [one for one in asked if one.status == 200]
    if login:
        assert [] == [one for one in asked if one.with_login and one.status in (401, 429)]
        assert [] == not_among(json.loads(description.read_text()), good)
    else:
        assert {"/health/live", "/health/ready"} == {one.path for one in good}
    assert [] == [one for one in good if not one.with_login and not one.path.startswith("/health/")]
