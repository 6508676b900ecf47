"""The sender of alerts over all channels."""

import time
from collections.abc import Sequence

from .alert import Alert, Kind
from .alert_thread import AlertThread


class AlertSender:
    """Sends each alert over each channel.

    Each channel has its own spool, lock and thread, so a channel whose server fails does not delay another channel.
    The first channel is the main channel.
    """

    def __init__(self, channels: Sequence[AlertThread]) -> None:
        self._channels = channels

    @property
    def is_sender(self) -> bool:
        """Whether this process delivers the failures that all processes of the host detect."""
        return self._channels[0].is_sender

    def send(self, alert: Alert) -> None:
        """Spool the alert for each channel. Never raises."""
        for channel in self._channels:
            channel.send(alert)

    def start(self) -> None:
        """Start the threads of this process. Call this method after the fork."""
        for channel in self._channels:
            channel.start()

    def resolve_startup(self) -> None:
        """Resolve the incidents of failed starts. The service calls this method at its start, before the fork."""
        for channel in self._channels:
            channel.resolve_startup()

    def resolve(self, kind: Kind) -> None:
        """Resolve the incidents of a kind. Never raises."""
        for channel in self._channels:
            channel.resolve(kind)

    def resolve_at_once(self, kind: Kind) -> None:
        """Resolve the incidents of a kind in a process that has no thread to retry."""
        for channel in self._channels:
            channel.resolve_at_once(kind)

    def take_lock_away(self, process: str) -> None:
        """Take the sender locks away from a process that stands still."""
        for channel in self._channels:
            channel.sender_lock.take_away(process)

    def wait_until_idle(self, timeout: float) -> None:
        """Start the threads. Wait up to `timeout` seconds until some process has tried to send every due message."""
        self.start()
        deadline = time.monotonic() + timeout
        for channel in self._channels:
            channel.wait_until_idle(deadline - time.monotonic())

    def close(self, timeout: float) -> None:
        """Stop the threads, and wait up to `timeout` seconds for all. Unsent messages stay in the spools."""
        for channel in self._channels:
            channel.stop()
        deadline = time.monotonic() + timeout
        for channel in self._channels:
            channel.close(max(0.0, deadline - time.monotonic()))

    def count_mails(self) -> dict[str, int]:
        """Count the pending, sent and dead messages. Return an empty dictionary if a spool cannot be read."""
        counts = [channel.count_mails() for channel in self._channels]
        return {name: sum(count[name] for count in counts) for name in counts[0]} if all(counts) else {}
