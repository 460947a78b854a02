"""Emit one signal for breakpoints and items that were added or removed within 50 ms, and return the current ones.
Widgets use it instead of the companion's own signal. An item is an event, frame or REST call that a breakpoint
holds. The code of breakpoints is not loaded before one was used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from app.companion import Companion

if TYPE_CHECKING:  # loaded with the first breakpoint
    from app.hub.held_items import Breakpoint, HeldItem

DELAY_MS = 50
"""Changes within this time are reported together."""


class BreakpointFollower(QObject):
    """Emits ``changed`` soon after a breakpoint was added or removed, or an item is held or no longer held."""

    changed = Signal()

    def __init__(self, parent: QObject, companion: Companion) -> None:
        super().__init__(parent)
        self._companion = companion
        self._timer = QTimer(self, interval=DELAY_MS, singleShot=True)
        self._timer.timeout.connect(self.changed)
        self._disconnect = companion.breakpoints_changed.connect(lambda _: self._on_change())
        self.destroyed.connect(self._disconnect)

    def close_down(self) -> None:
        """Disconnect from the companion's signal."""
        self._disconnect()
        self._timer.stop()

    @property
    def held(self) -> list[HeldItem]:
        """The held items, oldest first."""
        return self._companion.breakpoints.held if self._companion.has_breakpoints else []

    @property
    def all(self) -> list[Breakpoint]:
        """The breakpoints, oldest first."""
        return self._companion.breakpoints.all if self._companion.has_breakpoints else []

    def _on_change(self) -> None:
        if not self._timer.isActive():  # restarting it at each change would delay it forever during a flood
            self._timer.start()
