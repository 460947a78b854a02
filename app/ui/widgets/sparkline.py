"""A small graph in the status bar: new log rows per second in the last 30 seconds.
Also the function that paints such a graph, which the Clients table uses too.
"""

from collections import deque
from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, QTimer
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QWidget
from typing_extensions import override

from app.hub.journal import Journal
from app.ui import theme
from app.ui.plain_text import set_tooltip

SECONDS = 30


class Sparkline(QWidget):
    """Draw the rate of new journal rows. Updated once per second."""

    def __init__(self, journal: Journal) -> None:
        super().__init__()
        self.setAccessibleName("Log rows per second")
        self._journal = journal
        self._last = journal.last_seq
        self.rates: deque[int] = deque([0] * SECONDS, maxlen=SECONDS)
        self._timer = QTimer(self, interval=1000)
        self._timer.timeout.connect(self.tick)
        self._timer.start()
        self.setFixedSize(QSize(84, 18))

    def tick(self) -> None:
        """Record the rate of the last second and repaint."""
        now = self._journal.last_seq
        self.rates.append(now - self._last)
        self._last = now
        set_tooltip(self, f"{self.rates[-1]:,} rows/s, maximum {max(self.rates):,} in the last {SECONDS} s")
        self.setAccessibleDescription(self.toolTip())
        self.update()

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        paint_rates(painter, QRectF(self.rect().adjusted(0, 2, 0, -2)), self.rates)
        painter.end()


def paint_rates(painter: QPainter, area: QRectF, rates: Sequence[int]) -> None:
    """Draw rates, the latest at the right, as a line that uses the whole height of ``area``."""
    top = max(*rates, 1)
    step = area.width() / max(1, len(rates) - 1)
    points = [
        QPointF(area.left() + x * step, area.top() + area.height() * (1 - rate / top))
        for x, rate in enumerate(rates)
    ]
    painter.setPen(QPen(QColor(theme.colors().accent), 1.4, j=Qt.PenJoinStyle.RoundJoin))
    painter.drawPolyline(QPolygonF(points))
