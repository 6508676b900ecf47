"""The service with a full log disk: requests, alerts and recovery."""

from pathlib import Path

from tests.support.service import running_service
from tests.support.waiting import wait_until

TARGET = "/?married=yes&children=3&salary=200000"


def test_requests_succeed_while_the_log_disk_is_full(tmp_path: Path) -> None:
    """While the disk is full, the service answers requests, mails an alert, and later logs the number of lost lines."""
    with running_service(tmp_path, WORKERS="1") as service:
        log = tmp_path / "api.log"
        log.rename(tmp_path / "api.log.1")
        log.symlink_to("/dev/full")

        def losing() -> bool:
            assert 200 == service.get(TARGET).status
            return bool(service.get("/health/ready").body["response"]["degraded"])

        wait_until(losing)
        assert "log lines are being lost" in service.mailbox.next().get_content()
        lost = service.get("/health/ready").body["response"]["log_lines_lost"]
        assert lost > 0
        log.unlink()

        def writing() -> bool:
            assert 200 == service.get(TARGET).status
            return log.exists() and any(r["event"] == "log lines lost" for r in service.log())

        wait_until(writing)
        (record,) = [r for r in service.log() if r["event"] == "log lines lost"]
        assert record["lines"] >= lost
        assert [] == service.get("/health/ready").body["response"]["degraded"]
        assert service.mailbox.next()["Subject"].endswith(" [recovered]")


def test_a_disk_that_is_full_at_the_start_is_reported(tmp_path: Path) -> None:
    """A service that starts with a full log disk answers requests, and mails the loss of log lines and the recovery."""
    log = tmp_path / "api.log"
    log.symlink_to("/dev/full")
    with running_service(tmp_path) as service:
        assert "log lines are being lost" in service.mailbox.next().get_content()
        assert 200 == service.get(TARGET).status
        log.unlink()

        def writing() -> bool:
            assert 200 == service.get(TARGET).status
            return log.exists()

        wait_until(writing)
        assert service.mailbox.next()["Subject"].endswith(" [recovered]")
