"""A trouble monitor reports each change between working and failing."""

from income_tax.monitoring.trouble_monitor import TroubleMonitor


def test_each_change_is_reported_once() -> None:
    """Each new reason is reported once, and a recovery is reported once, also after the first successful check."""
    states = [None, None, "full", "full", "read-only", None, None, "full", None]
    events: list[str] = []
    found = iter(states)
    monitor = TroubleMonitor(lambda: next(found), events.append, lambda: events.append("works"))
    troubles = []
    for _ in states:
        monitor.check()
        troubles.append(monitor.trouble)
    assert ["works", "full", "read-only", "works", "full", "works"] == events
    assert states == troubles


def test_a_failure_before_the_first_check_is_no_recovery() -> None:
    """If the first check finds a failure, the monitor does not report a recovery first."""
    events: list[str] = []
    monitor = TroubleMonitor(lambda: "full", events.append, lambda: events.append("works"))
    monitor.check()
    monitor.check()
    assert ["full"] == events
