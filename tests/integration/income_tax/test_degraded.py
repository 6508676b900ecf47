"""A service that still answers reports its degraded parts in `/health/ready`, on `/status` and by mail."""

import contextlib
import html
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.service import Service, begun_with, prepare, running_service, service_with
from tests.support.waiting import wait_until
from tools.smtp_catcher import SmtpCatcher

TARGET = "/?married=yes&children=3&salary=200000"
# The state folder identifies replicas by their host names, so each service of this test gets its own name.
NAMED = "import os, socket\nsocket.gethostname = lambda: os.environ['PYTHON_REPLICA']\n"


def find_degraded(service: Service) -> list[str]:
    degraded: list[str] = service.get("/health/ready", None).body["response"]["degraded"]
    return degraded


def assert_reported(service: Service, words: str, summary: str) -> None:
    """Wait until the health check, the page and a mail report a problem."""
    wait_until(lambda: any(words in trouble for trouble in find_degraded(service)))
    wait_until(lambda: words in html.unescape(service.request("GET", "/status", Accept="text/html")[2].decode()))
    assert summary in service.mailbox.next().get_content()


def assert_recovered(service: Service) -> None:
    """Wait until all workers report no problem, and the recovery mail has arrived."""
    assert service.mailbox.next()["Subject"].endswith(" [recovered]")
    wait_until(lambda: not any(find_degraded(service) for _ in range(8)))


@pytest.mark.parametrize("line", [b"garbage\n", b"b\xff:x\n"], ids=["garbage", "not UTF-8"])
def test_an_invalid_line_of_the_users_file(tmp_path: Path, line: bytes) -> None:
    """All workers skip an invalid line: they accept the other users, reject a deleted one, and report the line."""
    with running_service(tmp_path, WORKERS="3") as service:
        path = tmp_path / "users"
        good = path.read_bytes()
        path.write_bytes(good + good.replace(b"client:", b"ann:"))
        assert [200] * 12 == [service.get(TARGET, "ann:secret").status for _ in range(12)]
        path.write_bytes(good + line)
        wait_until(lambda: all(find_degraded(service) for _ in range(8)))  # all workers have read the file
        assert [401] * 4 == [service.get(TARGET, "ann:secret").status for _ in range(4)]
        assert [200] * 12 == [service.get(TARGET).status for _ in range(12)]
        assert_reported(service, f"{path}, line 2: expected login:scrypt hash", "cannot use its users file as a whole")
        path.write_bytes(good)
        assert_recovered(service)


def test_a_users_file_that_cannot_be_read(tmp_path: Path) -> None:
    """If the users file is missing, all workers keep the previous users, and report the file."""
    with running_service(tmp_path, WORKERS="2") as service:
        path = tmp_path / "users"
        path.rename(tmp_path / "away")
        assert_reported(service, "No such file", "cannot use its users file as a whole")
        assert [200] * 8 == [service.get(TARGET).status for _ in range(8)]
        (tmp_path / "away").rename(path)
        assert_recovered(service)


def test_a_proxy_that_could_not_start_again(tmp_path: Path) -> None:
    """The error that the health check of nginx records is reported until the health check removes it."""
    trouble = tmp_path / "trouble"
    with running_service(tmp_path, WORKERS="2", PROXY_TROUBLE_FILE=str(trouble)) as service:
        trouble.write_text("nginx: [emerg] key values mismatch\nnginx: configuration file test failed\n")
        assert_reported(service, "run make up: nginx: [emerg] key values mismatch", "nginx could not start again")
        assert 200 == service.get(TARGET).status
        trouble.write_text("")
        assert_recovered(service)


def test_a_state_folder_that_cannot_be_written(tmp_path: Path) -> None:
    """If the workers cannot write their state, they answer requests and report it. All workers send one mail."""
    with running_service(tmp_path, WORKERS="2") as service:
        folder = tmp_path / "state/workers"
        wait_until(lambda: len(list(folder.glob("*.json"))) == 2)
        wait_until((tmp_path / "state/alerts/sender.lock").read_text)
        folder.rename(tmp_path / "away")
        folder.touch()
        assert_reported(service, "the folder STATE_DIR cannot be written", "cannot write its state")
        assert 200 == service.get(TARGET).status
        folder.unlink()
        (tmp_path / "away").rename(folder)
        assert_recovered(service)
        assert service.mailbox.empty()


def test_a_state_folder_that_was_never_written(tmp_path: Path) -> None:
    """If the state folder cannot be used from the start, not even for the lock of the sender, a mail reports it."""
    (tmp_path / "state").touch()
    with running_service(tmp_path, WORKERS="1") as service:
        assert_reported(service, "the folder STATE_DIR cannot be written", "cannot write its state")
        (tmp_path / "state").unlink()
        assert_recovered(service)


def test_failed_logins_that_are_not_counted(tmp_path: Path) -> None:
    """If the counts of failed logins cannot be used, requests are answered, and the problem is reported."""
    with running_service(tmp_path, WORKERS="1") as service:
        folder = tmp_path / "state/logins"
        shutil.rmtree(folder, ignore_errors=True)
        folder.touch()
        assert [401, 200] == [service.get(TARGET, "ann:x").status, service.get(TARGET).status]
        assert_reported(service, "failed logins are not counted", "cannot write its state")
        folder.unlink()
        assert_recovered(service)


@contextlib.contextmanager
def frozen(service: Service) -> Iterator[None]:
    """Stop all processes of a service with SIGSTOP, and continue them at the end."""
    os.killpg(service.process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.killpg(service.process.pid, signal.SIGCONT)


def test_a_frozen_replica(tmp_path: Path) -> None:
    """A frozen replica is named by the others and mailed by them, even if it holds the lock of the sender."""
    prepare(tmp_path)
    state = tmp_path / "state"
    (tmp_path / "site").mkdir()
    paths = [begun_with(tmp_path / "site", NAMED), os.environ.get("PYTHONPATH", "")]
    settings = {"PYTHONPATH": os.pathsep.join(filter(None, paths)), "WORKERS": "2"}
    with (
        SmtpCatcher() as smtp,
        service_with(tmp_path, smtp.port, smtp.mailbox, PYTHON_REPLICA="first", **settings) as first,
    ):
        wait_until(lambda: (state / "alerts/sender.lock").read_text().startswith("first-"))
        with service_with(tmp_path, smtp.port, smtp.mailbox, PYTHON_REPLICA="second", **settings) as second:
            (state / "replicas").write_text("2\n")
            wait_until(lambda: len(list((state / "workers").glob("*.json"))) == 4)
            with frozen(first):
                assert_reported(second, "replica first stands still", "has a replica that stands still")
                assert 200 == second.get(TARGET).status
                assert (state / "alerts/sender.lock").read_text().startswith("second-")
            assert_recovered(second)
        wait_until(lambda: not list((state / "workers").glob("second-*.json")))
        assert [] == find_degraded(first)
        assert smtp.mailbox.empty()
