"""A test of the running stack with a full disk of the state."""

import secrets
from typing import Any

import pytest

from tests.e2e.test_log_disk import mount_disk, readiness, within
from tests.support.inbox import Inbox
from tests.support.replicas import count_worker_starts, hang_up
from tests.support.stack import Stack
from tests.support.waiting import wait_until

TARGET = "/?year=2025&married=yes&children=2&salary=50000"
UNCOUNTED, SUMMARY = "failed logins are not counted", "cannot write its state"


def restart_workers(stack: Stack, replica: str) -> None:
    """Replace the workers of a replica, so that the new workers open the files of the state anew."""
    before = count_worker_starts(stack)
    hang_up(stack, replica)
    wait_until(lambda: count_worker_starts(stack) >= before + 2)


@pytest.mark.profile("operations")
def test_a_full_state_disk_is_reported(stack: Stack) -> None:
    """With a full state disk, the API answers, reports uncounted logins by mail, and recovers after space is freed."""
    inbox, credentials = Inbox(stack), stack.credentials
    container: dict[str, Any] = stack.containers("api")[0]
    with mount_disk(stack, container, "/state", "size=1m,mode=1777") as replica:
        restart_workers(stack, replica)
        wait_until(lambda: within(stack, replica, "sh", "-c", "ls /state/logins 2>/dev/null || true"))
        full = within(stack, replica, "sh", "-c", "dd if=/dev/zero of=/state/filler bs=4k 2>/dev/null; df /state")
        assert "100%" in full

        def is_reported() -> bool:
            assert stack.get(TARGET, f"{secrets.token_hex(4)}:wrong").status in (401, 429)
            return any(UNCOUNTED in reason for reason in readiness(stack, replica)["degraded"])

        wait_until(is_reported)
        wait_until(lambda: inbox.mails(SUMMARY))
        assert {200} == {stack.get(TARGET, credentials).status for _ in range(8)}
        within(stack, replica, "rm", "/state/filler")
        wait_until(lambda: any(mail["Subject"].endswith("[recovered]") for mail in inbox.mails(SUMMARY)))
        wait_until(lambda: not readiness(stack, replica)["degraded"])
    restart_workers(stack, replica)
