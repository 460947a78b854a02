"""Count down the whole seconds of a delay, for a label. It does not run the action at the end of the delay."""

import math
from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer

from app.hub.clock import Clock

TICK_MS = 100


class Countdown(QObject):
    """Call ``on_change`` with the remaining seconds at each change, and with 0 at the end or after ``stop``."""

    def __init__(self, parent: QObject, clock: Clock, on_change: Callable[[int], object]) -> None:
        super().__init__(parent)
        self._clock = clock
        self._on_change = on_change
        self._end = 0.0
        self.left = 0
        """Remaining seconds, rounded up; 0 if no countdown is running."""
        self._timer = QTimer(self, interval=TICK_MS)
        self._timer.timeout.connect(self.tick)

    def start(self, seconds: float) -> None:
        """Count down from ``seconds``."""
        self._end = self._clock.mono() + seconds
        self._timer.start()
        self.tick()

    def stop(self) -> None:
        """Stop the countdown."""
        self._timer.stop()
        self._show(0)

    def tick(self) -> None:
        """Update ``left`` from the clock."""
        left = max(0, math.ceil(self._end - self._clock.mono()))
        if not left:
            self._timer.stop()
        self._show(left)

    def _show(self, left: int) -> None:
        if left != self.left:
            self.left = left
            self._on_change(left)
