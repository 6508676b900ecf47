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
UNWRITTEN, SUMMARY = "the folder STATE_DIR cannot be written", "cannot write its state"


def restart_workers(stack: Stack, replica: str) -> None:
    """Replace the workers of a replica, so that the new workers open the files of the state anew."""
    before = count_worker_starts(stack)
    hang_up(stack, replica)
    wait_until(lambda: count_worker_starts(stack) >= before + 2)


def guess(stack: Stack) -> bool:
    """Send a wrong login, and return whether it is rejected or throttled."""
    return stack.get(TARGET, f"{secrets.token_hex(4)}:wrong").status in (401, 429)


@pytest.mark.profile("operations")
def test_a_full_state_disk_is_reported(stack: Stack) -> None:
    """With a full state disk, the API answers, reports the disk by mail, and recovers after space is freed."""
    inbox, credentials = Inbox(stack), stack.credentials
    container: dict[str, Any] = stack.containers("api")[0]
    with mount_disk(stack, container, "/state", "size=1m,mode=1777") as replica:
        restart_workers(stack, replica)
        wait_until(lambda: guess(stack) and within(stack, replica, "sh", "-c", "ls /state/logins 2>/dev/null || true"))

        def is_reported() -> bool:
            # Fill the disk repeatedly, because each replacement of a file frees the space of the old file.
            within(stack, replica, "sh", "-c", "cat /dev/zero >> /state/filler 2>/dev/null || true")
            return any(UNWRITTEN in reason for reason in readiness(stack, replica)["degraded"])

        wait_until(is_reported)
        assert guess(stack)
        wait_until(lambda: inbox.mails(SUMMARY))
        assert {200} == {stack.get(TARGET, credentials).status for _ in range(8)}
        within(stack, replica, "rm", "/state/filler")
        wait_until(lambda: any(mail["Subject"].endswith("[recovered]") for mail in inbox.mails(SUMMARY)))
        wait_until(lambda: not readiness(stack, replica)["degraded"])
    restart_workers(stack, replica)
