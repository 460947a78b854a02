"""What of the log is painted when rows have come and gone: what is new, and no more at a time than a few lines.

Qt would paint all that is in sight, at every flush and in one go.
"""

import math

from PySide6.QtCore import QObject, QRect, Qt, QTimer
from PySide6.QtWidgets import QWidget

BAND = 5
"""So many lines are painted before others have their turn, where all of them are new."""


class LogRefresh(QObject):
    """Moves the lines of a viewport that have been painted, and has the others painted."""

    def __init__(self, viewport: QWidget, line_height: int) -> None:
        super().__init__(viewport)
        self._viewport = viewport
        self._height = line_height
        self._stale: list[QRect] = []
        """Bands that are not painted yet, the first one last."""
        self._timer = QTimer(self, interval=0, singleShot=True)
        self._timer.timeout.connect(self._next_band)
        self.held = False

    def hold(self) -> None:
        """Paint nothing until ``release``, whatever Qt wants painted."""
        self.held = True
        # The attribute itself: to enable updates in the usual way is to paint all.
        self._viewport.setAttribute(Qt.WidgetAttribute.WA_UpdatesDisabled, True)

    @property
    def busy(self) -> bool:
        """Whether more bands are to be painted."""
        return bool(self._stale)

    def painted(self) -> None:
        """Request the next band, in a moment: the viewport has been painted.

        A timer alone is not enough: on Windows, timers without an interval fire before paint events are delivered,
        so several bands would be painted in one go.
        """
        if self._stale:
            self._timer.start()

    def release(self, up: int | None, *fresh: QRect) -> None:
        """Have painted what has come. ``up``: by so much all else has moved; None: it says something else by now.

        ``fresh``: where lines are new, or say something else. All in pixels.
        """
        self.held = False
        self._viewport.setAttribute(Qt.WidgetAttribute.WA_UpdatesDisabled, False)
        sight = self._viewport.rect()
        if sight.isEmpty():
            return
        if up is None or self._stale or abs(up) >= sight.height():
            self._paint_all(sight)
            return
        if up:
            self._viewport.scroll(0, -up, sight)  # what comes into sight with it is painted, too
        for area in fresh:
            self._viewport.update(area & sight)

    def settle(self) -> None:
        """Have painted at once what was to be painted in turns: the lines move."""
        if self._stale:
            self._stale.clear()
            self._timer.stop()
            self._viewport.update()

    def _paint_all(self, sight: QRect) -> None:
        if not self._viewport.isVisible():  # it is painted as a whole when it is shown
            self._stale.clear()
            return
        lines = math.ceil(sight.height() / self._height)
        step = math.ceil(lines / math.ceil(lines / BAND)) * self._height
        self._stale = [QRect(0, top, sight.width(), step) for top in reversed(range(0, sight.height(), step))]
        self._next_band()

    def _next_band(self) -> None:
        if self._stale:
            self._viewport.update(self._stale.pop())
