"""The metrics of the stack: exact counts of all replicas, and no access from outside."""

import random
import re
import subprocess
from collections import Counter

import pytest

from tests.support.data import ROOT
from tests.support.metrics import Metrics
from tests.support.replicas import list_replicas
from tests.support.service import flood
from tests.support.stack import Stack

pytestmark = pytest.mark.profile("clients")  # nginx does not repeat requests in this profile

READ = "import urllib.request; print(urllib.request.urlopen('http://127.0.0.1:9100/metrics').read().decode())"
GOOD = "/?year=2025&married=yes&children=2&salary=50000"


def read_texts(stack: Stack) -> list[str]:
    """Return the exposition of each replica."""
    return [stack.run("docker", "exec", one, "python", "-c", READ).stdout for one in list_replicas(stack)]


def read_metrics(stack: Stack) -> Metrics:
    """Return the sums of the metrics over all replicas."""
    return Metrics(*read_texts(stack))


def count_statuses(stack: Stack) -> Counter[str]:
    """Return the number of responses of each status to requests other than health checks."""
    found = read_metrics(stack)
    checks = Counter(found.group("requests_total", "status", route="/health/ready"))
    return Counter(found.group("requests_total", "status")) - checks


@pytest.mark.both_databases
def test_replicas_count_every_request_once(stack: Stack) -> None:
    """The sums over the replicas equal the counts of a client that floods the stack with requests of all kinds."""
    before = count_statuses(stack)
    targets = [GOOD] * 3000 + ["/?year=2025"] * 500 + ["/nothing"] * 300
    random.shuffle(targets)
    statuses = Counter(flood(stack.http_port, stack.credentials, targets, 16))
    for credentials in (None, "client:wrong"):
        statuses[stack.get(GOOD, credentials).status] += 1
    assert {200: 3000, 400: 500, 401: 2, 404: 300} == statuses
    assert {str(status): count for status, count in statuses.items()} == count_statuses(stack) - before


def test_labels_contain_no_login_and_no_address(stack: Stack) -> None:
    """After a wrong login with a forwarded address, no metric contains the login name or the address."""
    before = count_statuses(stack)
    addresses = {"X-Forwarded-For": "203.0.113.9", "Forwarded": "for=203.0.113.9"}
    assert 401 == stack.get(GOOD, "zaphod:wrong", **addresses).status
    assert 200 == stack.get(GOOD, stack.credentials, **addresses).status
    assert {"200": 1, "401": 1} == count_statuses(stack) - before
    login = stack.credentials.partition(":")[0]
    for text in read_texts(stack):
        assert not re.search(rf'zaphod|203\.0\.113\.9|"{login}"|="\d+\.\d+\.\d+\.\d+"', text)


def test_promtool_accepts_the_metrics(stack: Stack) -> None:
    """Promtool accepts the exposition of a replica."""
    assert 200 == stack.get(GOOD, stack.credentials).status
    image = re.search(r"prom/prometheus:\S+", (ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    assert image is not None
    options = ["--rm", "--interactive", "--network", "none", "--entrypoint", "promtool"]
    for text in read_texts(stack):
        run = ["docker", "run", *options, image[0], "check", "metrics"]
        finished = subprocess.run(run, input=text, capture_output=True, text=True, timeout=300, check=False)
        assert (0, "") == (finished.returncode, finished.stdout + finished.stderr)


def test_the_proxy_does_not_forward_the_metrics(stack: Stack) -> None:
    """GET /metrics through nginx is a 404 of the API, and the host has no port of the metrics."""
    answer = stack.get("/metrics", stack.credentials)
    assert (404, "this address does not exist") == (answer.status, answer.errors[0][:27])
    published = stack.run("docker", "compose", "ps", "--format", "{{.Ports}}").stdout
    assert "8080" in published
    assert "9100->" not in published


def test_make_status_prints_the_status(stack: Stack) -> None:
    """`make status` prints the replicas and the requests of the last hour."""
    stack.get(GOOD, stack.credentials)
    printed = stack.run("make", "status").stdout
    assert "replicas: 2 of 2, workers: 4" in printed
    assert "60 min" in printed
