"""Repaint the log when its rows change: scroll the unchanged lines, and paint only the others.
If all lines must be painted, only a few are painted per iteration of the event loop, unless the user scrolls.

Qt would repaint all visible lines at once whenever rows are added.
"""

import math

from PySide6.QtCore import QObject, QRect, Qt, QTimer
from PySide6.QtWidgets import QWidget

BAND = 5
"""If all lines must be painted, this many are painted per loop iteration."""


class LogRefresh(QObject):
    """Scroll the painted lines of a viewport, and schedule the painting of new ones.

    Call ``hold`` before rows change and ``release`` afterwards.
    """

    def __init__(self, viewport: QWidget, line_height: int) -> None:
        super().__init__(viewport)
        self._viewport = viewport
        self._height = line_height
        self._stale: list[QRect] = []
        """Bands to be painted, the topmost one last."""
        self._timer = QTimer(self, interval=0, singleShot=True)
        self._timer.timeout.connect(self._next_band)
        self.held = False

    def hold(self) -> None:
        """Suppress all painting until ``release``."""
        self.held = True
        # Set the attribute: setUpdatesEnabled(True) would repaint everything.
        self._viewport.setAttribute(Qt.WidgetAttribute.WA_UpdatesDisabled, True)

    @property
    def busy(self) -> bool:
        """Whether bands are still to be painted."""
        return bool(self._stale)

    def painted(self) -> None:
        """Schedule the next band. Call it after the viewport was painted.

        A timer alone is not enough: on Windows, zero timers fire before paint events are delivered, so several
        bands would be painted at once.
        """
        if self._stale:
            self._timer.start()

    def release(self, up: int | None, *fresh: QRect) -> None:
        """Allow painting again, scroll the unchanged lines and schedule the painting of ``fresh`` areas.

        ``up``: by how many pixels the unchanged lines have moved up, or None if all lines must be painted.
        """
        self.held = False
        self._viewport.setAttribute(Qt.WidgetAttribute.WA_UpdatesDisabled, False)
        visible = self._viewport.rect()
        if visible.isEmpty():
            return
        if up is None or self._stale or abs(up) >= visible.height():
            self._paint_in_bands(visible)
            return
        if up:
            self._viewport.scroll(0, -up, visible)  # Qt also schedules the uncovered area
        for area in fresh:
            self._viewport.update(area & visible)

    def repaint_now(self) -> None:
        """Schedule all remaining bands at once: the user scrolls, and half-painted lines would move."""
        if self._stale:
            self._stale.clear()
            self._timer.stop()
            self._viewport.update()

    def _paint_in_bands(self, visible: QRect) -> None:
        if not self._viewport.isVisible():  # Qt paints all of it when it is shown
            self._stale.clear()
            return
        lines = math.ceil(visible.height() / self._height)
        step = math.ceil(lines / math.ceil(lines / BAND)) * self._height
        self._stale = [QRect(0, top, visible.width(), step) for top in reversed(range(0, visible.height(), step))]
        self._next_band()

    def _next_band(self) -> None:
        if self._stale:
            self._viewport.update(self._stale.pop())
