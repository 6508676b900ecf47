"""Tests of attacks from other containers. The attackers forge headers, guess passwords and send slowly."""

import json
import re
import secrets

from tests.support.attackers import GUESS, SLOW, addresses, attackers
from tests.support.budget import budget
from tests.support.stack import Stack
from tests.support.waiting import wait_until

TARGET = "/?married=yes&children=3&salary=200000"
GUESSES = budget(100, 300)  # number of guesses per attacker
# Maps each network to True if the network is internal, and otherwise to False.
NETWORKS = {"clients": True, "edge": False, "app": True, "data": True, "metrics": True, "mail": False}
REACHED = """
import socket, sys
from concurrent.futures import ThreadPoolExecutor
def is_reached(place):
    host, port = place.split(":")
    try:
        socket.create_connection((host, int(port)), timeout=5).close()
        return True
    except OSError:
        return False
places = sys.argv[1:]
with ThreadPoolExecutor(len(places)) as pool:
    print(*[place for place, reached in zip(places, pool.map(is_reached, places)) if reached])
"""


def find_reachable(stack: Stack, network: str, *places: str) -> list[str]:
    """Start a container on a network of the stack, and return the addresses in `places` that the container reaches."""
    image = ["--entrypoint", "python", f"{stack.project}-client"]
    finished = stack.run(
        "docker", "run", "--rm", "--network", f"{stack.project}_{network}", *image, "-c", REACHED, *places
    )
    assert 0 == finished.returncode, finished.stderr
    return finished.stdout.split()


def test_networks_are_isolated(stack: Stack) -> None:
    """Clients reach only nginx, nginx does not reach the database, and only two networks are external."""
    port = {"postgres": 5432, "mysql": 3306}[stack.database]
    api = [f"{address}:8000" for address in addresses(stack, "api")]
    db = [f"{address}:{port}" for address in addresses(stack, "db")]
    (page,) = (f"{address}:8025" for address in addresses(stack, "mailhog"))
    everything = ["nginx:8080", *api, *db, page, "api:8000", f"db:{port}"]
    for network in ("clients", "edge"):
        assert ["nginx:8080"] == find_reachable(stack, network, *everything)
    assert (
        {*db, f"db:{port}"} <= set(find_reachable(stack, "data", *everything)) <= {*api, *db, "api:8000", f"db:{port}"}
    )
    assert {"clients", "edge", "app"} == list_networks(stack, "nginx")
    assert {"app", "data", "mail", "metrics"} == list_networks(stack, "api")
    assert {"data"} == list_networks(stack, "db")
    described = stack.run("docker", "network", "inspect", *[f"{stack.project}_{name}" for name in NETWORKS]).stdout
    assert NETWORKS == {one["Name"].rpartition("_")[2]: one["Internal"] for one in json.loads(described)}
    refused = stack.execute("nginx", "curl", "--max-time", "2", f"telnet://{db[0]}")
    assert 0 != refused.returncode


def list_networks(stack: Stack, service: str) -> set[str]:
    networks = [set(container["NetworkSettings"]["Networks"]) for container in stack.containers(service)]
    return {name.rpartition("_")[2] for name in set.union(*networks)}


def test_forwarded_headers_are_accepted_only_from_nginx(stack: Stack) -> None:
    """The API ignores forwarded headers from a container that bypasses nginx."""
    ask = """
import sys, urllib.request
headers = {"X-Forwarded-For": "9.9.9.9", "X-Forwarded-Proto": "https", "X-Request-ID": sys.argv[1]}
urllib.request.urlopen(urllib.request.Request("http://api:8000/health/none", headers=headers))
"""
    own = f"neighbour-{secrets.token_hex(4)}"
    image = ["--entrypoint", "python", f"{stack.project}-client"]
    stack.run("docker", "run", "--rm", "--network", f"{stack.project}_mail", *image, "-c", ask, own)
    (record,) = [r for r in stack.records("api/api.log", holding=own) if r["event"] == "request"]
    assert "9.9.9.9" != record["remote"]
    subnet = record["remote"].rpartition(".")[0]
    assert any(address.startswith(subnet) for address in addresses(stack, "mailhog"))


def test_replicas_share_the_count_of_failures(stack: Stack) -> None:
    """After five wrong passwords both replicas return a 429 for this login name, but not for another login name."""
    login = f"guessed-{secrets.token_hex(4)}"
    answers = [stack.get(TARGET, f"{login}:{number}") for number in range(5)]
    assert [401] * 5 == [answer.status for answer in answers]
    # Repeat the request. If the throttling has already ended, the next failure starts a longer throttling.
    refused = wait_until(lambda: (a := stack.get(TARGET, f"{login}:again")).status == 429 and a)
    assert int(refused.headers["retry-after"]) > 0
    assert refused.errors
    ids = {answer.request_id for answer in answers}
    assert 2 == len({r["host"] for r in stack.records("api/api.log") if r.get("request_id") in ids})
    assert 401 == stack.get(TARGET, f"{login}-other:x").status


def test_a_client_succeeds_during_attacks(stack: Stack) -> None:
    """A client that obeys Retry-After succeeds during 500 slow connections and many guesses of its password."""
    login = stack.credentials.partition(":")[0]
    programs = [*[(SLOW, "250")] * 2, *[(GUESS, "16", login, str(GUESSES))] * 3]
    stack.restart_api()  # empties the cache of verified credentials
    with attackers(stack, *programs) as running:
        wait_until(lambda: all("ready" in attacker.said() for attacker in running))
        wait_until(lambda: open_connections(stack) >= 500)
        loaded = stack.make("load", "REQUESTS=3000", "THREADS=16", "OPTIONS=--retries 9 --timeout 60")
        own = [stack.get(TARGET, stack.credentials).status for _ in range(50)]
        wait_until(lambda: open_connections(stack) >= 500)  # waits until the attackers have reopened closed connections
        wait_until(lambda: stack.count("nginx/access.log", '"status":408'))
        wait_until(lambda: all("cut off" in attacker.said() for attacker in running[:2]))
        wait_until(lambda: all("many" in attacker.said() for attacker in running[2:]))
        *slow, first, second, third = [attacker.stop() for attacker in running]
    assert "3000 right, 0 wrong, 0 failed" in loaded
    assert [200] * 50 == own
    assert all(count["cut off"] for count in slow), "nginx must close connections with slow headers"
    for count in (first, second, third):
        # Allow a 504. If the machine stalls, nginx returns a 504 for a guess that waits too long.
        assert {"401", "429", "504"} >= {seen.rpartition(" ")[2] for seen in count}
        # The API checks five guesses before it throttles. After each throttling period, each worker checks one guess.
        assert count["one 401"] < 25


def open_connections(stack: Stack) -> int:
    """Count the established connections between clients and nginx."""
    table = stack.output("nginx", "cat", "/proc/net/tcp")
    # Match local port 8080 and the state "established".
    return len(re.findall(r":1F90 [0-9A-F]+:[0-9A-F]{4} 01 ", table))
