"""A checkable button that is painted as a toggle switch; Qt Widgets has no such widget."""

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton
from typing_extensions import override

from app.ui import theme


class Switch(QAbstractButton):
    """A checkable button that is painted as a switch; Qt Widgets has no such widget."""

    def __init__(self) -> None:
        super().__init__()
        self.setCheckable(True)
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    @override
    def sizeHint(self) -> QSize:
        return QSize(36, 20)

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        scheme = theme.colors()
        on = self.isChecked()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        track = QRectF(0.75, 0.75, self.width() - 1.5, self.height() - 1.5)
        edge = scheme.accent if self.hasFocus() or on else scheme.outline
        painter.setPen(QPen(QColor(edge), 1.5))
        painter.setBrush(QColor(scheme.accent if on else scheme.surface))
        painter.drawRoundedRect(track, track.height() / 2, track.height() / 2)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(scheme.on_accent if on else scheme.muted))
        x = track.right() - track.height() / 2 if on else track.left() + track.height() / 2
        painter.drawEllipse(QPointF(x, track.center().y()), 5.5, 5.5)
        painter.end()
