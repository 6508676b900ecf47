"""Attackers that run in containers. Each container has its own address on nginx's external network.

Each attacker runs a program in this project's client image. The program prints its counts as a JSON object when it
stops, after ten minutes at the latest.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.support.stack import Stack

COMMON = """
import base64, collections, http.client, json, random, signal, socket, sys, threading, time
END = time.monotonic() + 600
stop = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stop.set())
signal.signal(signal.SIGINT, lambda *_: stop.set())
count = collections.Counter()
"""

# This program opens slow connections that send one byte per second. Half of the connections send the bytes in the
# headers, and the other half in the body. The program reopens each connection that the server closes.
SLOW = """
HEAD = b"POST /?x=1 HTTP/1.1\\r\\nHost: x\\r\\nContent-Length: 100000\\r\\n"
def open_one(number):
    one = socket.create_connection(("nginx", 8080), timeout=10)
    one.sendall(HEAD + (b"\\r\\n" if number % 2 else b"X: "))
    one.setblocking(False)
    return one
many = [open_one(number) for number in range(int(sys.argv[1]))]
print("ready", flush=True)
while not stop.wait(1) and time.monotonic() < END:
    for number, one in enumerate(many):
        try:
            one.send(b"x")
            if one.recv(4096) == b"":
                raise ConnectionError
        except BlockingIOError:
            pass
        except OSError:
            count["cut off"] += 1
            if count["cut off"] == 1:
                print("cut off", flush=True)
            one.close()
            try:
                many[number] = open_one(number)
            except OSError:
                pass  # the next round tries to reopen the connection again
print(json.dumps(count))
"""

# The threads of this program guess passwords without pauses. Half of the threads use one login name, and the other half
# use random login names. The program prints "many" after a given number of responses.
GUESS = """
many = threading.Event()
def work(number):
    while not stop.is_set() and time.monotonic() < END:
        connection = http.client.HTTPConnection("nginx", 8080, timeout=60)
        try:
            while not stop.is_set() and time.monotonic() < END:
                login = sys.argv[2] if number % 2 else "user%d" % random.randrange(10**9)
                password = "guess%d" % random.randrange(10**9)
                basic = base64.b64encode(f"{login}:{password}".encode()).decode()
                headers = {"Authorization": "Basic " + basic}
                connection.request("GET", "/?married=yes&children=1&salary=1", headers=headers)
                answer = connection.getresponse()
                answer.read()
                count["%s %d" % ("one" if number % 2 else "made up", answer.status)] += 1
                if not many.is_set() and sum(list(count.values())) > int(sys.argv[3]):
                    many.set()
                    print("many", flush=True)
        except OSError as error:
            count[type(error).__name__] += 1
        finally:
            connection.close()
threads = [threading.Thread(target=work, args=[number]) for number in range(int(sys.argv[1]))]
for thread in threads:
    thread.start()
print("ready", flush=True)
for thread in threads:
    thread.join()
print(json.dumps(count))
"""


class Attacker:
    """A container that runs an attack program."""

    def __init__(self, stack: Stack, program: str, *arguments: str) -> None:
        self._stack = stack
        started = stack.run(
            *("docker", "run", "--detach", "--init", "--network", f"{stack.project}_edge", "--memory", "256m"),
            *("--cpus", "0.5", "--ulimit", "nofile=4096", "--entrypoint", "python", f"{stack.project}-client"),
            *("-c", COMMON + program, *arguments),
        )
        assert 0 == started.returncode, started.stderr
        self._id = started.stdout.strip()

    def said(self) -> list[str]:
        """Return the lines that the program has printed."""
        return self._stack.run("docker", "logs", self._id).stdout.splitlines()

    def stop(self) -> dict[str, int]:
        """Stop the container and return the counts that the program printed."""
        self._stack.run("docker", "stop", "--time", "70", self._id)
        said: dict[str, int] = json.loads(self.said()[-1])
        return said

    def remove(self) -> None:
        """Remove the container."""
        self._stack.run("docker", "rm", "--force", self._id)


@contextmanager
def attackers(stack: Stack, *programs: tuple[str, ...]) -> Iterator[list[Attacker]]:
    """Start an attacker for each program with its arguments and yield the attackers. Then remove the containers."""
    running: list[Attacker] = []
    try:
        for program, *arguments in programs:
            running.append(Attacker(stack, program, *arguments))
        yield running
    finally:
        for attacker in running:
            attacker.remove()


def addresses(stack: Stack, service: str) -> list[str]:
    """List the IP addresses that a service's containers have in all networks."""
    networks: list[dict[str, Any]] = [c["NetworkSettings"]["Networks"] for c in stack.containers(service)]
    return [network["IPAddress"] for one in networks for network in one.values()]
