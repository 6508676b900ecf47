"""Inspect the API's replicas in a stack, count retries and worker starts, and cause faults of replicas."""

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from tests.support.stack import Stack
from tests.support.waiting import wait_until

# This command prints the id, name, state and parent of each process in a container, as in `7 (name) S 1 ...`. The
# command ignores errors, because a process can end while the command reads its file.
PROCESSES = "cat /proc/[0-9]*/stat 2>/dev/null || true"


def list_replicas(stack: Stack) -> list[str]:
    """List the ids of the running containers of the API."""
    return [container["Id"] for container in stack.containers("api") if container["State"]["Running"]]


def list_workers(stack: Stack, replica: str) -> set[int]:
    """List the live workers of a replica. Their parent is gunicorn's master, which is a child of Docker's init."""
    processes = stack.run("docker", "exec", replica, "sh", "-c", PROCESSES).stdout
    found = re.findall(r"^(\d+) \(.*\) [^ZX] (\d+) ", processes, re.MULTILINE)
    parents = {int(pid): int(parent) for pid, parent in found}
    return {pid for pid, parent in parents.items() if parents.get(parent) == 1}


def has_unread_request(stack: Stack, replica: str) -> bool:
    """Return whether a connection of a frozen replica has received bytes that no process has read."""
    (image,) = {container["Image"] for container in stack.containers("api")}
    network = ("--network", f"container:{replica}", "--entrypoint", "cat")
    connections = stack.run("docker", "run", "--rm", *network, image, "/proc/net/tcp").stdout
    # The fields are the local address with the port 8000, the remote address, the state 01 (established), and the
    # lengths of the two queues. All numbers are hexadecimal.
    return bool(re.search(r":1F40 [0-9A-F:]+ 01 [0-9A-F]+:(?!0+ )", connections))


def count_retries(stack: Stack) -> int:
    """Count the requests that nginx retried."""
    return stack.count("nginx/access.log", '"upstream_status":"[^"]*50[24] ?[,:]')


def count_worker_starts(stack: Stack) -> int:
    """Count the workers that gunicorn has started."""
    return stack.count("api/api.log", "Booting worker")


def signal_process(stack: Stack, replica: str, name: str, pid: int | str) -> None:
    """Send a signal from inside the container, because Docker does not restart a container after `docker kill`."""
    finished = stack.run("docker", "exec", replica, "sh", "-c", f"kill -{name} {pid}")
    assert 0 == finished.returncode, finished.stderr


def hang_up(stack: Stack, replica: str) -> None:
    """Send SIGHUP to Docker's init, which forwards the signal to gunicorn."""
    signal_process(stack, replica, "HUP", 1)


@contextmanager
def frozen(stack: Stack, *containers: str) -> Iterator[None]:
    """Stop all processes of the containers while the `with` block runs. Their connections remain open."""
    with ExitStack() as paused:
        for container in containers:
            wait_until(lambda container=container: pause(stack, container))
            paused.callback(docker, stack, "unpause", container)
        yield


def pause(stack: Stack, container: str) -> bool:
    """Pause a container. Return False if runc could not freeze all its processes in time."""
    finished = stack.run("docker", "pause", container)
    assert 0 == finished.returncode or "unable to freeze" in finished.stderr, finished.stderr
    return finished.returncode == 0


@contextmanager
def disconnected(stack: Stack, replica: str) -> Iterator[None]:
    """Remove a replica from the network of nginx while the `with` block runs. Its packets are lost."""
    network = f"{stack.project}_app"
    docker(stack, "network", "disconnect", "--force", network, replica)
    try:
        yield
    finally:
        docker(stack, "network", "connect", "--alias", "api", network, replica)


def docker(stack: Stack, *arguments: str) -> None:
    """Run a docker command and assert success."""
    finished = stack.run("docker", *arguments)
    assert 0 == finished.returncode, finished.stderr
