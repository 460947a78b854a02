"""Update the window when faults are armed or cleared: the strip at its top, and the badge of the Faults room.
A fault disturbs frames or REST calls on purpose. The badge says how many sets of faults are armed; ``conditions``
finds the text of the strip.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer

from app.protocol.counts import count
from app.ui.room_registry import FAULTS
from app.ui.widgets.navigation import Badge

if TYPE_CHECKING:
    from app.ui.window import MainWindow

DELAY_MS = 100
"""A scenario may arm faults very often."""


class FaultWatch(QObject):
    """Follows what is armed, and updates a window."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._faults = window.companion.faults
        self._timer = QTimer(self, interval=DELAY_MS, singleShot=True)
        self._timer.timeout.connect(self._show)
        self._disconnect = self._faults.changed.connect(lambda _: self._show_soon())
        self._show()

    def close_down(self) -> None:
        """Disconnect from the companion's signals."""
        self._timer.stop()
        self._disconnect()

    def _show_soon(self) -> None:
        if not self._timer.isActive():
            self._timer.start()

    def _show(self) -> None:
        number = len(self._faults.armed) + len(self._faults.rest.armed)
        meaning = f"{count(number, 'set')} of faults armed"
        self._window.navigation.set_badge(FAULTS, Badge(str(number), meaning, "warning") if number else None)
        self._window.show_conditions()
