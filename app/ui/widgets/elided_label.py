"""A label of one line. If it is too narrow, it ends with an ellipsis and has a tooltip with the whole text."""

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from typing_extensions import override

from app.ui.plain_text import PlainTextLabel, set_tooltip

MIN_WIDTH = 24


class ElidedLabel(PlainTextLabel):
    """Show one line of text. It can become narrower than its text; ``text()`` is always the whole text."""

    min_width = MIN_WIDTH
    """The label does not become narrower, unless its text is."""

    @override
    def setText(self, text: str) -> None:
        super().setText(text)
        self._update_tooltip()

    @override
    def minimumSizeHint(self) -> QSize:
        hint = super().minimumSizeHint()
        return QSize(min(self.min_width, hint.width()), hint.height())

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._update_tooltip()

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        shown = self._shown()
        if shown == self.text():
            super().paintEvent(event)
            return
        painter = QPainter(self)
        self.drawFrame(painter)
        painter.setPen(self.palette().windowText().color())
        painter.drawText(self.contentsRect(), Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, shown)
        painter.end()

    def _shown(self) -> str:
        return self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, self.contentsRect().width())

    def _update_tooltip(self) -> None:
        set_tooltip(self, "" if self._shown() == self.text() else self.text())
