"""Tests of operations on the stack: start, stop, passwords, hardening, and error messages."""

import json
import signal
import socket
from email.message import EmailMessage
from pathlib import Path
from secrets import token_hex

import pytest

from tests.support.stack import Finished, Stack
from tests.support.traffic import constant_rate
from tests.support.waiting import wait_until

pytestmark = pytest.mark.profile("operations")
TARGET = "/?married=yes&children=3&salary=200000"
LONG_RUNNING = {"db", "api", "nginx", "mailhog", "rotate"}
KILLED = 128 + signal.SIGKILL  # exit code after a SIGKILL


@pytest.mark.both_databases
def test_up_after_down(stack: Stack) -> None:
    """`make down` stops all containers without SIGKILL, and the next `make up` keeps the database, mails and logs."""
    stack.make("drill")
    mails, lines = list_message_ids(stack.mails()), stack.count("api/api.log")
    try:
        # Stop the containers separately, because `make down` also removes them.
        stack.compose("stop")
        ends = {service: [c["State"] for c in stack.containers(service)] for service in LONG_RUNNING}
        stack.make("down")
        assert [] == stack.containers("api")
    finally:
        stack.make("up")
    assert {"exited"} == {end["Status"] for states in ends.values() for end in states}
    killed = [service for service, states in ends.items() for end in states if end["ExitCode"] == KILLED]
    assert [] == killed, "every container must exit on SIGTERM, without a SIGKILL"
    (database,) = stack.containers("db")
    assert stack.database == database["Config"]["Image"].partition(":")[0]
    assert mails <= list_message_ids(stack.mails())
    assert lines < stack.count("api/api.log")
    assert 200 == stack.get(TARGET, stack.credentials).status


def list_message_ids(mails: list[EmailMessage]) -> set[str]:
    """Return the Message-IDs of mails."""
    return {mail["Message-ID"] for mail in mails}


@pytest.mark.both_databases
def test_compose_without_make_keeps_the_database(stack: Stack) -> None:
    """`docker compose up` without make keeps the chosen database, and recreates no container."""
    before = {c["Id"] for service in ("db", "api", "nginx", "mailhog") for c in stack.containers(service)}
    stack.compose("up", "--detach", "--wait", "db", "api", "nginx", "mailhog")
    assert before == {c["Id"] for service in ("db", "api", "nginx", "mailhog") for c in stack.containers(service)}


def test_killed_replica_is_restarted(stack: Stack) -> None:
    """If a replica is killed, Docker restarts the replica, and no request fails."""
    credentials = stack.credentials
    victim = stack.containers("api")[0]
    # Kill all processes except init, which then exits. After `docker kill`, Docker would not restart the container.
    stack.run("docker", "exec", victim["Id"], "sh", "-c", "kill -9 -1")
    assert [200] * 20 == [stack.get(TARGET, credentials).status for _ in range(20)]

    def restarts() -> int:
        return next(int(c["RestartCount"]) for c in stack.containers("api") if c["Id"] == victim["Id"])

    wait_until(lambda: restarts() == victim["RestartCount"] + 1)
    wait_until(lambda: stack.healthy("api") == 2)


@pytest.mark.both_databases
def test_containers_are_hardened(stack: Stack) -> None:
    """Every long-running container has a read-only root, dropped capabilities, and limits of resources and logs."""
    running = set(stack.compose("ps", "--services", "--status", "running").split())
    assert LONG_RUNNING == running
    for service in running:
        for container in stack.containers(service):
            host = container["HostConfig"]
            assert "healthy" == container["State"]["Health"]["Status"], service
            assert host["ReadonlyRootfs"], service
            assert ["ALL"] == host["CapDrop"]
            assert "no-new-privileges:true" in host["SecurityOpt"]
            assert host["Memory"] > 0
            assert host["PidsLimit"] > 0
            assert host["NanoCpus"] > 0
            assert host["LogConfig"]["Config"]["max-size"]
            assert "unless-stopped" == host["RestartPolicy"]["Name"]
            assert service == "db" or container["Config"]["User"] not in ("", "root", "0"), service


@pytest.mark.both_databases
def test_only_loopback_is_published(stack: Stack) -> None:
    """The stack publishes only the ports of nginx and of MailHog's page, and only on the loopback interface."""
    published = {
        (service, port["HostIp"])
        for service in ("db", "api", "nginx", "mailhog")
        for container in stack.containers(service)
        for ports in (container["NetworkSettings"]["Ports"] or {}).values()
        for port in ports or []
    }
    assert {("nginx", "127.0.0.1"), ("mailhog", "127.0.0.1")} == published


@pytest.mark.both_databases
def test_secrets_are_in_no_configuration_or_log(stack: Stack) -> None:
    """The configurations and the logs of the containers contain no secret."""
    folder = stack.folder / "secrets"
    secrets = [path.read_text().strip().rpartition(":")[2] for path in folder.iterdir() if path.is_file()]
    assert 6 == len(secrets)
    described = json.dumps([stack.containers(s) for s in ("db", "seed", "api", "nginx", "mailhog")])
    printed = stack.compose("logs")
    assert f" on {stack.database} serves " in printed
    assert [] == [secret for secret in secrets if secret in described or secret in printed]
    marker = token_hex(16)  # a control word, which proves that the search reads the logs
    stack.get(f"/{marker}", stack.credentials)
    words = [f"--regexp={word}" for word in [*secrets, marker]]

    def found_in_the_logs() -> Finished | None:
        # Search in the nginx container, because its operating-system user can read all logs and archives.
        found = stack.execute("nginx", "grep", "-rohaF", *words, "/logs")
        # If a log was rotated during the search, return None to repeat the search.
        return None if "No such file" in found.stderr else found

    found = wait_until(found_in_the_logs)
    assert (0, "", {marker}) == (found.returncode, found.stderr, set(found.stdout.split()))


@pytest.mark.both_databases
def test_new_database_passwords(stack: Stack) -> None:
    """`make db-password` replaces the passwords of both database accounts, and no request fails."""
    files = [stack.folder / f"secrets/db_{account}_password" for account in ("reader", "owner")]
    old, replicas = [path.read_text() for path in files], {c["Id"] for c in stack.containers("api")}
    with constant_rate(stack, 50, 1):
        stack.make("db-password")
    assert [True, True] == [path.read_text() != before for path, before in zip(files, old, strict=True)]
    assert [] == list((stack.folder / "secrets").glob("*.new"))
    assert set() == replicas & {c["Id"] for c in stack.containers("api")}
    stack.make("reload")  # uses both accounts: the owner account writes, and the reader account reads
    assert [] == stack.get("/health/ready").body["response"]["degraded"]
    wait_until(lambda: stack.healthy("db") == 1)
    for account, password in zip(("tax_reader", "tax_owner"), old, strict=True):
        refused = stack.execute("db", "sh", "-c", login(stack, account, password.strip()))
        assert 0 != refused.returncode
        assert any(words in refused.stderr for words in ("password authentication failed", "Access denied"))


def login(stack: Stack, account: str, password: str) -> str:
    """Return the command that, inside the database container, connects to the database over TCP."""
    if stack.database == "mysql":
        return f"MYSQL_PWD={password} mysql -h 127.0.0.1 -u {account} tax -e 'SELECT 1'"
    return f"PGPASSWORD={password} psql -h 127.0.0.1 -U {account} tax -c 'SELECT 1'"


def test_user_add_rejects_the_stack_s_client(stack: Stack) -> None:
    """`make user-add` rejects the login name `client`, and prints the command that changes the client's password."""
    refused = stack.run("make", "user-add", "LOGIN=client")
    assert 2 == refused.returncode
    assert "rm secrets/client_credentials" in refused.stderr
    before = stack.credentials
    (stack.folder / "secrets/client_credentials").unlink()
    assert before != stack.credentials
    assert [401, 200] == [stack.get(TARGET, login).status for login in (before, stack.credentials)]


@pytest.mark.usefixtures("turn")
def test_port_in_use_is_reported(stack: Stack, tmp_path: Path) -> None:
    """If another program uses the port, `make up` fails and reports the port conflict."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        other = Stack.create(tmp_path, stack.database)
        try:
            finished = other.run("make", "up", f"DB={stack.database}", f"HTTP_PORT={taken.getsockname()[1]}")
        finally:
            other.make("clean")
    assert 0 != finished.returncode
    assert "Another program uses a port of the stack" in finished.stderr


def test_missing_requirements_are_reported(tmp_path: Path) -> None:
    """Without Docker, with an invalid setting or without a running stack, a make target fails and prints the reason."""
    stack = Stack.create(tmp_path, "postgres")
    wrong = stack.run("make", "up", "DB=oracle")
    assert (2, "DB is [oracle]; expected postgres or mysql") == (wrong.returncode, wrong.stderr.splitlines()[0])
    wrong = stack.run("make", "up", "REPLICAS=many")
    assert 2 == wrong.returncode
    assert wrong.stderr.startswith("REPLICAS is [many]; expected a whole number from 1 to 20")
    down = stack.run("make", "load")
    assert (2, "The stack does not run. Start it with `make up`.") == (down.returncode, down.stderr.splitlines()[0])
    bare = tmp_path / "bin"
    bare.mkdir()
    for tool in ("make", "sh", "id", "cat", "awk", "mkdir"):
        path = stack.run("sh", "-c", f"command -v {tool}").stdout.strip()
        (bare / tool).symlink_to(path)
    without = stack.run("make", "up", PATH=str(bare))
    assert 2 == without.returncode
    assert without.stderr.startswith("The command docker is missing. Install Docker Engine with Compose")
    unreachable = stack.run("make", "up", DOCKER_HOST="unix:///nowhere.sock")
    assert 2 == unreachable.returncode
    assert unreachable.stderr.startswith("The Docker engine does not respond")
