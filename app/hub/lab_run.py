"""A run of the reconnect lab: its report, which changes while it runs, and a way to wait for a change.
The lab closes the connections of one browser, refuses its reconnects, and judges their delays.
``sources.reconnect_lab`` runs it; the control API and the window show it.
"""

import asyncio

from app.hub.signals import Signal
from app.protocol.reconnect_lab import LabOutcome, LabReport


class LabRun:
    """A run, and its report at the moment."""

    def __init__(self, report: LabReport) -> None:
        self.report = report
        self.version = 0
        """Grows with each new attempt, and at the end."""
        self.changed: Signal[None] = Signal()
        """Emitted when ``version`` has grown."""

    @property
    def ended(self) -> bool:
        """Whether the run has ended."""
        return self.report.outcome is not LabOutcome.RUNNING

    def update(self, report: LabReport) -> None:
        """Replace the report. Emit ``changed`` if it has another number of attempts, or is the last one."""
        before, self.report = self.report, report
        if len(report.attempts) != len(before.attempts) or report.outcome is not before.outcome:
            self.version += 1
            self.changed.emit(None)

    async def wait_for_change(self, seen: int) -> None:
        """Wait until ``version`` differs from ``seen``, or the run has ended."""
        changed = asyncio.Event()
        disconnect = self.changed.connect(lambda _: changed.set())
        try:
            while self.version == seen and not self.ended:
                changed.clear()
                await changed.wait()
        finally:
            disconnect()
